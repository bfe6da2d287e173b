"""Heap that a profile takes on a device: `make ram`, and ram_<profile>_bytes of `make bench`.

Measured on the 32-bit build of MicroPython, whose heap has the block size of an ESP32's, with the
profile as .mpy: live bytes after collection, minus what was live when only the mocks of the
hardware were loaded (and used once). "constructed" is the first turn of the loop, as in the table
of the predecessor; "connected" is the running appliance with its broker. Of a profile that
sleeps it is not "connected" but "awake": the most at any second of one wake.
"""

import ast
import concurrent.futures
import queue
import re
import statistics
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from epxhost import manifest, smoke, toolchain
from epxhost.appliance_process import compiled_tree
from epxhost.devicelib import profiles
from epxhost.door import ROOT
from epxhost.errors import ToolError
from epxhost.localbroker import LocalBroker

_PROGRAM = ROOT / "bench" / "device" / "heap.py"
_LIMIT_S = 30.0
_SAMPLES = 5
# They mostly wait; what they take of the heap does not depend on who else runs.
_AT_ONCE = 4
_LOADER = ROOT / "lib" / "loader"


def measure(toolchain_=toolchain) -> dict[str, float]:
    """ram_<profile>_bytes, and the same once connected, or while awake."""
    interpreter = _interpreter(toolchain_)
    names = profiles()
    with concurrent.futures.ThreadPoolExecutor(_AT_ONCE) as pool:
        found = list(pool.map(lambda profile: boot_bytes(profile, interpreter), names))
    figures = {}
    for name, (constructed, later, state) in zip(names, found, strict=True):
        figures[f"ram_{name}_bytes"] = constructed
        figures[f"ram_{name}_{state}_bytes"] = later
    return figures


def _interpreter(toolchain_=toolchain) -> list[str]:
    found = toolchain_.micropython32
    found = found() if callable(found) else found
    if not found:
        raise ToolError(toolchain.why_not("micropython32"))
    return [*found, "-X", "heapsize=512k"]


def import_order(profile: str) -> tuple[list[str], list[str]]:
    """The modules of a profile, each one after those that it imports: those that its main.py
    imports, build() too, and then those that other functions import, in time or never."""
    names = {_module(file.remote.as_posix()): ROOT / file.local for file in _lib_files(profile)}
    names |= {_module(f"lib/loader/{file.name}"): file for file in _LOADER.glob("*.py")}
    order: list[str] = []
    later: list[str] = []
    open_: set[str] = set()

    def visit(name: str) -> None:
        if name in open_ or name not in names:
            return
        open_.add(name)
        if "." in name:
            visit(name.rsplit(".", 1)[0])
        visit_all(names[name])
        order.append(name)

    def visit_all(path: Path) -> None:
        for node, inside in _imports(ast.parse(path.read_text())):
            for module in _named(node):
                if inside and (path != main or module == f"{profile}.settings"):
                    later.append(module)
                else:
                    visit(module)

    main = ROOT / "profiles" / profile / "main.py"
    visit_all(main)
    at_boot = len(order)
    while later:
        visit(later.pop(0))
    return order[:at_boot], order[at_boot:]


def later_modules(profile: str) -> list[str]:
    """Those that functions import, without those that the start forgets."""
    forgotten = ("epx.config", f"{profile}.settings")
    return [name for name in import_order(profile)[1] if name not in forgotten]


def _lib_files(profile: str) -> list[manifest.DeviceFile]:
    files = manifest.device_files(profile)
    return [file for file in files if file.remote.is_relative_to("lib")]


def _imports(tree: ast.AST, inside: bool = False) -> Iterator[tuple[ast.stmt, bool]]:
    """Import statements, and whether they stand in a function."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node, inside
        else:
            yield from _imports(node, inside or isinstance(node, ast.FunctionDef))


def _named(node: ast.stmt) -> list[str]:
    """Modules that an import names; of `from a import b`, a.b may be a plain name."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    assert isinstance(node, ast.ImportFrom) and node.module
    return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]


def _module(path: str) -> str:
    name = path.removeprefix("lib/").removesuffix(".py").replace("/", ".")
    return name.removesuffix(".__init__")


def module_bytes(
    profile: str, interpreter: list[str], order: list[str]
) -> tuple[dict[str, int], int, int]:
    """Bytes that importing each module takes, and number and bytes of new names among them.

    A row that is some KB too high has made the interpreter's table of names grow: it doubles.
    """
    with tempfile.TemporaryDirectory(prefix="epx-ram-") as folder:
        arguments = ["modules", profile, folder, str(compiled_tree(profile))]
        done = subprocess.run(
            [*interpreter, str(_PROGRAM), *arguments, *order],
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )
    if done.returncode:
        raise ToolError(f"{profile}: {done.stdout}{done.stderr}")
    sizes = {
        name: int(size) for name, size in re.findall(r"^module (\S+) (-?\d+)", done.stdout, re.M)
    }
    names = [int(count) for count in re.findall(r"n_qstr=(\d+)", done.stdout)]
    name_bytes = [int(count) for count in re.findall(r"n_total_bytes=(\d+)", done.stdout)]
    return sizes, names[1] - names[0], name_bytes[1] - name_bytes[0]


def boot_bytes(profile: str, interpreter: list[str]) -> tuple[int, int, str]:
    """Of the whole profile when constructed, and later, and when that is: connected or awake."""
    with LocalBroker(need_mosquitto=True) as broker, tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "config.txt").write_text(_config(profile, broker))
        process = subprocess.Popen(
            [*interpreter, str(_PROGRAM), "boot", profile, folder, str(compiled_tree(profile))],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            return _heap_lines(process)
        finally:
            process.kill()
            process.wait()


def _config(profile: str, broker: LocalBroker) -> str:
    return smoke.example_config(profile, broker.host, f"mqttport {broker.port}")


def _heap_lines(process: subprocess.Popen) -> tuple[int, int, str]:
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        for line in process.stdout:
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    console = ""
    constructed: list[int] = []
    connected: list[int] = []
    is_connected = False
    while len(connected) < _SAMPLES:
        line = lines.get(timeout=_LIMIT_S)
        if line is None:
            raise ToolError(f"ended before it was measured:\n{console}")
        console += line
        if line == "asleep\n":
            return constructed[1], max(constructed), "awake"
        is_connected = is_connected or "mqtt: connected" in line
        if line.startswith("heap "):
            (connected if is_connected else constructed).append(int(line.split()[1]))
    # The very first line is the error of the method itself, zero.
    return constructed[1], int(statistics.median(connected)), "connected"


def table(profile: str, interpreter: list[str]) -> str:
    at_boot, later = import_order(profile)
    sizes, names, name_bytes = module_bytes(profile, interpreter, at_boot)
    all_sizes, _, _ = module_bytes(profile, interpreter, at_boot + later)
    constructed, later_bytes, state = boot_bytes(profile, interpreter)
    lines = [f"{profile}, from .mpy on the 32-bit build, bytes of heap"]
    lines += [f"  {size:7,}  {name}" for name, size in sizes.items()]
    imports = sum(sizes.values())
    packages = {name.split(".")[0] for name in sizes}
    for package in sorted(packages):
        total = sum(size for name, size in sizes.items() if name.split(".")[0] == package)
        lines.append(f"  {total:7,}  all of {package}")
    lines.append(f"  {imports:7,}  imports in all, {name_bytes:,} of them for {names} new names")
    lines.append(f"  {constructed - imports:7,}  objects of main.py")
    lines.append(f"  {constructed:7,}  constructed (ram_{profile}_bytes)")
    lines.append(f"  {later_bytes:7,}  {state}")
    lines.append("and what functions import when it is needed")
    lines += [f"  {all_sizes[name]:7,}  {name}" for name in later]
    return "\n".join(lines)


def main() -> int:
    interpreter = _interpreter()
    for path in sorted((ROOT / "profiles").glob("*/main.py")):
        print(table(path.parent.name, interpreter))
    return 0


if __name__ == "__main__":
    main()
