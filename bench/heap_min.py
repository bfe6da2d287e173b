"""heap_min_h2o_kb: the smallest heap in which a water tank lives, without its simulated hardware.

The 32-bit build runs h2o from .mpy in real time at Mosquitto, with less and less heap: bisection,
in steps of 2 KB. A size counts when five devices out of five publish all topics, answer Refresh,
come back after a restart of the broker and show a new picture (epxhost.smoke), without a
complaint or a reset.

What the mocks take is subtracted: live bytes after collection of the hardware alone, stage.py
loaded but nothing of lib/. What they allocate in passing (lines of JSON) counts as the device's.
"""

import concurrent.futures

from epxhost import smoke, toolchain
from epxhost.appliance_process import ApplianceProcess, mocks_heap_bytes
from epxhost.errors import ToolError
from epxhost.localbroker import LocalBroker

_KB = 1024
_STEP_KB = 2
_LOWEST_KB = 40
_HIGHEST_KB = 160
_DEVICES = 5


def measure(toolchain_=toolchain) -> dict[str, float]:
    micropython = toolchain_.micropython32()
    if not micropython or not toolchain_.mosquitto():
        return {}
    mocks = mocks_heap_bytes(micropython, "h2o")
    if not _lives(micropython, mocks, _HIGHEST_KB):
        raise ToolError(f"h2o does not live in {_HIGHEST_KB} KB: run testsuite/real/test_smoke.py")
    fails, lives = _LOWEST_KB, _HIGHEST_KB
    while lives - fails > _STEP_KB:
        middle = (fails + lives) // (2 * _STEP_KB) * _STEP_KB
        if _lives(micropython, mocks, middle):
            lives = middle
        else:
            fails = middle
    return {"heap_min_h2o_kb": lives}


def _lives(micropython: list[str], mocks: int, heap_kb: int) -> bool:
    command = [*micropython, "-X", f"heapsize={mocks + heap_kb * _KB}"]
    with concurrent.futures.ThreadPoolExecutor(_DEVICES) as pool:
        good = list(pool.map(lambda _: _one_lives(command), range(_DEVICES)))
    print(f"  {heap_kb} KB: {sum(good)} of {_DEVICES}", flush=True)
    return all(good)


def _one_lives(command: list[str]) -> bool:
    with (
        LocalBroker(need_mosquitto=True) as broker,
        ApplianceProcess("h2o", smoke.config_text(broker), command) as process,
        smoke.Watcher(broker, process) as watcher,
    ):
        try:
            smoke.exercise(broker, watcher, process)
        except smoke.Failure:
            return False
        return True


if __name__ == "__main__":
    print(measure())
