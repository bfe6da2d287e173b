"""Figures of h2o in virtual time: wakeups, boot, and how fast the simulator is."""

import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from testmock.simworld.scene import end_world, make_world  # noqa: E402
from testsuite.story import MINUTES, SECONDS, up  # noqa: E402

_PROFILE = "h2o"
_SPEED_MINUTES = 600


def measure(_toolchain) -> dict[str, float]:
    return {
        f"boot_to_publish_ms_{_PROFILE}": boot_to_publish_ms(),
        f"wakeups_per_hour_{_PROFILE}": wakeups_per_hour(),
        f"sim_speedup_{_PROFILE}": speedup(),
    }


def _world():
    folder = ROOT / "testsuite" / "justrun_h"
    return make_world(_PROFILE, (folder / "config.txt").read_text())


def boot_to_publish_ms() -> int:
    """From power-up to the first publication. A reset, since only a power-on has start jitter.

    Wi-Fi associates in 2 s. The last will of the connection before is not counted.
    """
    world = _world()
    device, broker = world.device, world.broker
    device.wifi.associate_ms = 2 * SECONDS
    up(world)
    device.reset(2)
    began_ms = world.now_ms()

    def first_ms():
        times = [
            p.ms for p in broker.publications() if p.payload != b"offline" and p.ms > began_ms
        ]
        return min(times, default=0)

    assert world.run_until(first_ms, 60 * SECONDS)
    result = first_ms() - began_ms
    end_world(world)
    return result


def wakeups_per_hour() -> int:
    """Turns of the loop in an idle hour, connected, display on."""
    world = _world()
    up(world)
    world.run_for(5 * MINUTES)
    before = world.device.turns
    world.run_for(60 * MINUTES)
    result = world.device.turns - before
    end_world(world)
    return result


def speedup() -> float:
    """Virtual seconds per real second on CPython, idle, median of 5."""
    speeds = []
    for _ in range(5):
        world = _world()
        up(world)
        began_s = time.perf_counter()
        world.run_for(_SPEED_MINUTES * MINUTES)
        speeds.append(_SPEED_MINUTES * 60 / (time.perf_counter() - began_s))
        end_world(world)
    return round(sorted(speeds)[2])
