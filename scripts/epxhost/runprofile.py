"""`test.py`: runs a profile on this PC in real time, on simulated hardware, at a real broker."""

import argparse
import queue
import sys
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path

from epxhost import toolchain
from epxhost.appliance_process import ApplianceProcess
from epxhost.door import ROOT
from epxhost.errors import ToolError
from epxhost.ether_hub import carry

_POLL_S = 0.5


def with_values(config: str, values: dict[str, str]) -> str:
    """config.txt with these keys set; the others stay as they are."""
    lines = [line for line in config.splitlines() if line.split(" ")[0] not in values]
    return "\n".join(lines + [f"{key} {value}" for key, value in values.items()]) + "\n"


def interpreter_named(name: str, heap: str) -> list[str] | None:
    """argv prefix for ApplianceProcess; None is this Python."""
    if name == "cpython":
        return None
    command = toolchain.micropython32()
    if command is None:
        raise ToolError(f"no MicroPython: {toolchain.why_not('micropython32')}")
    return [*command, "-X", f"heapsize={heap}"]


def _config(options: argparse.Namespace) -> str:
    source = options.config or ROOT / "profiles" / options.profile / "config.txt.example"
    if not source.exists():
        raise ToolError(f"{source}: no such file")
    host, _, port = options.broker.partition(":")
    values = {"mqttbroker": host}
    if port:
        values["mqttport"] = port
    return with_values(source.read_text(), values)


def _forward_keyboard(process: ApplianceProcess) -> None:
    for line in sys.stdin:
        process.command(line.strip())


def _show(process: ApplianceProcess, all_states: bool) -> int:
    while True:
        try:
            kind, value = process.events.get(timeout=_POLL_S)
        except queue.Empty:
            continue
        if kind == "console":
            print(value, flush=True)
        elif kind == "exit":
            return int(str(value))
        elif isinstance(value, dict) and (all_states or not {"picture"} & set(value)):
            print("#", *(f"{what}: {state}" for what, state in value.items()), flush=True)


def _run(options: argparse.Namespace) -> int:
    interpreter = interpreter_named(options.interpreter, options.heap)
    with ExitStack() as stack:
        temporary = stack.enter_context(tempfile.TemporaryDirectory(prefix="epx-"))
        hub = carry(options.ether) if options.ether else None
        if hub:
            stack.enter_context(hub)
        process = ApplianceProcess(
            options.profile,
            _config(options),
            interpreter,
            options.folder or Path(temporary) / "flash",
            installed=options.installed or options.mpy,
            compiled=options.mpy,
            ether=options.ether,
            mac=options.mac,
            longest_sleep_s=options.longest_sleep,
        )
        stack.enter_context(process)
        threading.Thread(target=_forward_keyboard, args=(process,), daemon=True).start()
        return _show(process, options.pictures)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="test.py", description=__doc__, epilog="Type: set flow.rate_hz 4.8"
    )
    parser.add_argument("profile")
    parser.add_argument("--broker", default="localhost", metavar="HOST[:PORT]")
    parser.add_argument("--config", type=Path, help="config.txt (else the profile's example)")
    parser.add_argument("--interpreter", choices=("cpython", "micropython"), default="cpython")
    parser.add_argument("--heap", default="160k", help="of MicroPython, mocks included")
    parser.add_argument("--folder", type=Path, help="the device's files (else a temporary one)")
    parser.add_argument(
        "--installed", action="store_true", help="from file sets, as after cpall: can be updated"
    )
    parser.add_argument("--mpy", action="store_true", help="the same, modules compiled")
    parser.add_argument("--pictures", action="store_true", help="show display contents as hex")
    parser.add_argument(
        "--ether", type=int, metavar="PORT", help="the air for ESP-NOW, shared with entool"
    )
    parser.add_argument("--mac", help="in hex; different for each device of one ether")
    parser.add_argument(
        "--longest-sleep", type=float, metavar="S", help="deep sleep ends after so many seconds"
    )
    options = parser.parse_args()
    try:
        if not (ROOT / "profiles" / options.profile / "main.py").exists():
            raise ToolError(f"no profile {options.profile}")
        if options.mpy and options.interpreter == "cpython":
            raise ToolError("CPython cannot run .mpy files: add --interpreter micropython")
        return _run(options)
    except ToolError as error:
        print(f"test.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
