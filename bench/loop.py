"""The loop_* rows of the bench table: epx.loop against a bare heapq loop, on real MicroPython."""

from onmicropython import number


def measure(toolchain) -> dict[str, float]:
    micropython = toolchain.micropython64()
    if not micropython:
        return {}
    results = {
        f"loop_ratio_{tasks}": number(micropython, "loop_ratio.py", tasks)
        for tasks in (10, 200, 1000)
    }
    results["loop_alloc_bytes"] = number(micropython, "loop_alloc.py")
    results["loop_probe_fired"] = number(micropython, "loop_probe.py")
    return results
