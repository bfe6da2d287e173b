"""Heap that a profile takes on a device: `make ram`, and ram_<profile>_bytes of `make bench`.

Measured on the 32-bit build of MicroPython, whose heap has the block size of an ESP32's, with the
profile as .mpy: live bytes after collection, minus what was live when only the mocks of the
hardware were loaded (and used once). "constructed" is the first turn of the loop, as in the table
of the predecessor; "connected" is the running appliance with its broker. Those that have none,
but a radio, are measured in radioram.py.
"""

import ast
import concurrent.futures
import re
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import radioram
from heaprun import PROGRAM, HeapRun

from epxhost import manifest, smoke, toolchain
from epxhost.appliance_process import compiled_tree
from epxhost.devicelib import profiles
from epxhost.door import ROOT
from epxhost.errors import ToolError
from epxhost.localbroker import LocalBroker

_LIMIT_S = 30.0
_SAMPLES = 5
# They mostly wait; what they take of the heap does not depend on who else runs.
_AT_ONCE = 4
_LOADER = ROOT / "lib" / "loader"


def measure(toolchain_=toolchain) -> dict[str, float]:
    """ram_<profile>_bytes, and the same once connected; see also radioram.py."""
    interpreter = _interpreter(toolchain_)
    names = [name for name in profiles() if name not in smoke.CENTRALS]
    with concurrent.futures.ThreadPoolExecutor(_AT_ONCE) as pool:
        on_radio = pool.submit(radioram.measure, interpreter)
        found = list(pool.map(lambda profile: boot_bytes(profile, interpreter), names))
        figures = on_radio.result()
    for name, (constructed, connected) in zip(names, found, strict=True):
        figures[f"ram_{name}_bytes"] = constructed
        figures[f"ram_{name}_connected_bytes"] = connected
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
            [*interpreter, str(PROGRAM), *arguments, *order],
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


def boot_bytes(profile: str, interpreter: list[str]) -> tuple[int, int]:
    """Of the whole profile when constructed, and when connected."""
    with (
        LocalBroker(need_mosquitto=True) as broker,
        tempfile.TemporaryDirectory(prefix="epx-ram-") as folder,
        HeapRun(interpreter, profile, Path(folder), _config(profile, broker)) as run,
    ):
        run.wait_for("mqtt: connected")
        before = len(run.samples)
        run.wait_for_samples(_SAMPLES)
        return run.samples[0], int(statistics.median(run.samples[before:]))


def _totals(profile: str, interpreter: list[str]) -> dict[str, float]:
    if profile in smoke.CENTRALS:
        return radioram.measure_pair(interpreter, profile)
    constructed, connected = boot_bytes(profile, interpreter)
    return {f"constructed (ram_{profile}_bytes)": constructed, "connected": connected}


def _config(profile: str, broker: LocalBroker) -> str:
    return smoke.example_config(profile, broker.host, f"mqttport {broker.port}")


def table(profile: str, interpreter: list[str]) -> str:
    at_boot, later = import_order(profile)
    sizes, names, name_bytes = module_bytes(profile, interpreter, at_boot)
    all_sizes, _, _ = module_bytes(profile, interpreter, at_boot + later)
    totals = _totals(profile, interpreter)
    lines = [f"{profile}, from .mpy on the 32-bit build, bytes of heap"]
    lines += [f"  {size:7,}  {name}" for name, size in sizes.items()]
    imports = sum(sizes.values())
    packages = {name.split(".")[0] for name in sizes}
    for package in sorted(packages):
        total = sum(size for name, size in sizes.items() if name.split(".")[0] == package)
        lines.append(f"  {total:7,}  all of {package}")
    lines.append(f"  {imports:7,}  imports in all, {name_bytes:,} of them for {names} new names")
    lines += [f"  {size:7,}  {what}" for what, size in totals.items()]
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
