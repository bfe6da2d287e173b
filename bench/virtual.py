"""Figures in virtual time: wakeups and the longest turn of each profile, with the configuration of
its example; boot of h2o, and how fast the simulator is."""

import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import busy  # noqa: E402

from epxhost import smoke  # noqa: E402
from epxhost.devicelib import profiles  # noqa: E402
from testmock.simworld.device import Device  # noqa: E402
from testmock.simworld.lan import BROKER_ADDRESS  # noqa: E402
from testmock.simworld.scene import end_world, make_world  # noqa: E402
from testsuite.story import HOURS, MINUTES, SECONDS, sent, up  # noqa: E402

_PROFILE = "h2o"
_SPEED_MINUTES = 600
_SCALE_LINES = ("calibration_a 10", "calibration_b 20")
_SCALE_WAKES = 24


def measure(_toolchain) -> dict[str, float]:
    figures = {
        f"boot_to_publish_ms_{_PROFILE}": boot_to_publish_ms(),
        f"sim_speedup_{_PROFILE}": speedup(),
    }
    figures |= scale_ms()
    for profile in profiles():
        if profile in smoke.CENTRALS:
            continue  # it sleeps, or has no network to be connected to
        figures[f"wakeups_per_hour_{profile}"] = wakeups_per_hour(profile)
        figures[f"longest_turn_{profile}_ms"] = longest_turn_ms(profile)
    return figures


def _world(profile: str = _PROFILE):
    return make_world(profile, smoke.example_config(profile, BROKER_ADDRESS))


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


def wakeups_per_hour(profile: str) -> int:
    """Turns of the loop in an idle hour, connected, display on."""
    world = _world(profile)
    up(world)
    world.run_for(5 * MINUTES)
    before = world.device.turns
    world.run_for(60 * MINUTES)
    result = world.device.turns - before
    end_world(world)
    return result


def longest_turn_ms(profile: str) -> int:
    """From power-up through its busiest scenario: what buses and flash take, in whole ms. What
    the processor itself takes is not counted."""
    world = _world(profile)
    scenario = busy.of(profile)
    up(world)
    scenario(world)
    busy.everybody(world)
    result = world.device.longest_turn_ms
    assert world.device.resets == [], world.device.console()
    end_world(world)
    return result


def scale_ms() -> dict[str, float]:
    """The longest of some wakes of a paired scale: awake, and of that with the radio on."""
    world = _world("scale_manager")
    config = smoke.example_config("scale_sensor", BROKER_ADDRESS, *_SCALE_LINES)
    scale = Device(world, "scale_sensor", config, name="scale")
    up(world)
    world.run_for(35 * SECONDS)  # then it is ready to pair
    scale.power_on()
    assert world.run_until(lambda: scale.slept, 10 * MINUTES), scale.console()
    wakes = []
    for _ in range(_SCALE_WAKES):
        count = len(scale.slept)
        scale.awake_ms = 0
        scale.bench.radio.forget_on_ms()
        assert world.run_until(lambda: len(scale.slept) > count, 2 * HOURS), scale.console()  # noqa: B023
        wakes.append((scale.awake_ms, scale.bench.radio.on_ms()))
    readings = len(sent(world, "Weight"))
    assert readings == 1 + _SCALE_WAKES, readings
    end_world(world)
    return {"scale_awake_ms": max(wakes)[0], "scale_radio_ms": max(on_ms for _, on_ms in wakes)}


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
