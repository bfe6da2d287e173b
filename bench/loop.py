"""The loop_* rows of the bench table: epx.loop against a bare heapq loop, on real MicroPython."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_LIMIT_S = 60


def measure(toolchain) -> dict[str, float]:
    micropython = toolchain.micropython64()
    if not micropython:
        return {}
    results = {
        f"loop_ratio_{tasks}": _run(micropython, "loop_ratio.py", tasks)
        for tasks in (10, 200, 1000)
    }
    results["loop_alloc_bytes"] = _run(micropython, "loop_alloc.py")
    results["loop_probe_fired"] = _run(micropython, "loop_probe.py")
    return results


def _run(micropython: list[str], script: str, *arguments: int) -> float:
    """The number that a device-side script prints."""
    program = str(ROOT / "bench" / "device" / script)
    done = subprocess.run(
        [*micropython, "-X", "heapsize=256k", program, *map(str, arguments)],
        env={**os.environ, "MICROPYPATH": str(ROOT / "lib")},
        capture_output=True,
        text=True,
        timeout=_LIMIT_S,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{script}: {done.stdout}{done.stderr}")
    return float(done.stdout)
