"""House rules that a linter does not know."""

import ast
import re
import subprocess

from epxhost.door import ROOT

MOST_LINES_OF_MODULE = 300
MOST_LINES_OF_FUNCTION = 40
MOST_LINES_OF_MAIN = 40

# What may be longer, and why.
LONG_MODULES = {
    "lib/epx/loop.py": 480,  # one heap, one clock, one list of streams: halves would share it all
}
LONG_FUNCTIONS = {
    "lib/epx/loop.py:run": 100,  # one frame instead of three on the heap in each turn (measured)
}

# Written backwards, so that this file does not contain them.
REGISTRY_HOSTS = [
    w[::-1] for w in ("gro.ipyp", "detsohnohtyp", "gro.naibed", "gro.sjmpn", "moc.sjmpn")
]
THIS_MACHINE = [w[::-1] for w in ("/krow/", "/toor/", "/emoh/", "/pm/pmt/")]


def sources(*folders):
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT), path.read_text()


def lines_with(pattern, *folders):
    return [
        f"{path}:{number}: {line.strip()}"
        for path, text in sources(*folders)
        for number, line in enumerate(text.splitlines(), 1)
        if re.search(pattern, line)
    ]


def our_text_files():
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    for name in listing.stdout.splitlines():
        path = ROOT / name
        if path.is_file() and path.suffix not in (".png", ".mpy"):
            yield name, path.read_text(encoding="utf-8")


def test_the_library_does_not_know_that_it_is_being_tested():
    assert lines_with(r"(?<![A-Z])TEST|hasattr\(machine|pragma", "lib", "profiles") == []


def test_nobody_catches_everything():
    assert lines_with(r"^\s*except\s*:", "lib", "profiles", "testmock", "scripts") == []


def test_only_the_serial_tools_are_stopped_by_a_key():
    found = lines_with(r"except .*(KeyboardInterrupt|BaseException)", "lib", "profiles")
    # At the board's prompt somebody stops the program: that is no crash, and goes on its way.
    assert [line for line in found if not line.startswith("lib/loader/doors/main.py")] == []


def test_no_test_sleeps():
    assert lines_with(r"time\.sleep\(" + r"|asyncio\.sleep", "testsuite") == []


def test_packages_are_empty_on_the_device():
    full = [p for p, text in sources("lib") if p.name == "__init__.py" and text.strip()]
    assert full == []


def test_every_package_of_the_library_has_its_init_file():
    for path, _ in sources("lib"):
        if path.parts[:3] == ("lib", "loader", "doors"):  # these go to the root of the device
            continue
        assert (ROOT / path.parent / "__init__.py").exists(), path


def test_device_modules_are_small():
    large = [
        (str(path), len(text.splitlines()))
        for path, text in sources("lib")
        if len(text.splitlines()) > LONG_MODULES.get(str(path), MOST_LINES_OF_MODULE)
    ]
    assert large == []


def test_functions_of_the_device_are_short():
    long = [
        f"{path}:{node.lineno} {node.name}"
        for path, text in sources("lib")
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef)
        and node.end_lineno - node.lineno + 1
        > LONG_FUNCTIONS.get(f"{path}:{node.name}", MOST_LINES_OF_FUNCTION)
    ]
    assert long == []


def test_a_main_is_only_wiring():
    for path, text in sources("profiles"):
        if path.name == "main.py":
            assert len(text.splitlines()) <= MOST_LINES_OF_MAIN, path
            classes = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.ClassDef)]
            assert not classes, path


def test_device_code_has_no_type_hints():
    for path, text in sources("lib", "profiles"):
        for node in ast.walk(ast.parse(text)):
            hinted = isinstance(node, ast.AnnAssign) or (
                isinstance(node, ast.FunctionDef)
                and (node.returns or any(a.annotation for a in node.args.args))
            )
            assert not hinted, f"{path}:{node.lineno}"


def test_device_code_is_plain_ascii_outside_of_comments():
    """Each further byte travels to the device; some serial consoles mangle it."""
    for path, text in sources("lib", "profiles"):
        assert text.isascii(), path


def test_private_constants_are_not_imported():
    """MicroPython's compiler removes `_X = const(...)`; another module cannot import it."""
    wrong = [
        f"{path}:{node.lineno}: {alias.name}"
        for path, text in sources("lib", "profiles")
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name.startswith("_")
    ]
    assert wrong == []


def test_no_file_names_this_machine_or_a_registry():
    wrong = [
        f"{name}: {word}"
        for name, text in our_text_files()
        for word in REGISTRY_HOSTS + THIS_MACHINE
        if word in text
    ]
    assert wrong == []
