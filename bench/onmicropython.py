"""Runs a script of bench/device/ on real MicroPython and reads the number that it prints last."""

import os
import subprocess

from epxhost.door import ROOT

_DEVICE = ROOT / "bench" / "device"
_LIMIT_S = 120


def number(
    micropython: list[str], script: str, *arguments: int | str, heap: str = "256k"
) -> float:
    # Where a script needs hardware, it gets what bench/device/hardware has.
    path = os.pathsep.join((str(ROOT / "lib"), str(_DEVICE / "hardware")))
    done = subprocess.run(
        [*micropython, "-X", f"heapsize={heap}", str(_DEVICE / script), *map(str, arguments)],
        env={**os.environ, "MICROPYPATH": path},
        capture_output=True,
        text=True,
        timeout=_LIMIT_S,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{script}: {done.stdout}{done.stderr}")
    return float(done.stdout.split()[-1])
