"""What keeps each profile busiest: for longest_turn_<profile>_ms. In virtual time; each function
gets a world whose device has just come to the broker, and does all it can to it."""

import sys

from epxhost import smoke
from testmock.simworld.device import Device
from testmock.simworld.lan import BROKER_ADDRESS
from testsuite.story import HOURS, MINUTES, SECONDS, command

_ROUNDS = 5


def of(profile):
    """The function of a profile. One that is not in the table gets what everybody() does only."""
    if profile not in _BUSY:
        print(f"bench/busy.py does not know what keeps {profile} busy", file=sys.stderr)
    return _BUSY.get(profile, lambda world: None)


def everybody(world):
    """What can happen to any appliance: all values again, and a broker and a network that go."""
    for _ in range(_ROUNDS):
        for _ in range(10):
            command(world, "Refresh", "1")
        world.run_for(10 * SECONDS)
    world.broker.restart(5 * SECONDS)
    world.run_for(2 * MINUTES)
    world.device.wifi.drop()
    world.run_for(2 * MINUTES)


def _energy(world):
    """Ticker, an alarm, garbage on the line, a meter that goes and comes back."""
    meter = world.device.bench.parts["meter"]
    command(world, "Ticker", "on")
    for i in range(_ROUNDS):
        meter.w = 20000 * (i & 1) + 10
        meter.noise = b"\x00\xf8\x04\x14garbage"
        world.run_for(70 * SECONDS)
        meter.noise = b""
        meter.flips = 3
        command(world, "Ticker", "on")
        world.run_for(30 * SECONDS)
    _goes_and_comes_back(world, meter)


def _h2o(world):
    """The level and the flow change all the time, each part goes and comes back."""
    parts = world.device.bench.parts
    for i in range(60):
        parts["expander"].inputs = (0xFFFF << i % 6) & 0xFFFF
        parts["flow"].rate_hz = i % 40
        world.run_for(2 * SECONDS)
    _goes_and_comes_back(world, parts["expander"])
    _goes_and_comes_back(world, parts["display"])


def _relay(world):
    """All four go on and off, the display goes and comes back."""
    for i in range(20):
        for relay in range(4):
            command(world, f"{relay}/TurnOnWithTimeout", str((i + relay) % 3))
        world.run_for(1500)
    _goes_and_comes_back(world, world.device.bench.parts["display"])


def _rx433(world):
    """A minute of noise, buttons, and a transmitter that does not stop."""
    keyfob = world.device.bench.parts["keyfob"]
    world.run_for(12 * SECONDS)
    for _ in range(_ROUNDS):
        keyfob.noise(8000)
        keyfob.press("EV1527:11259365", 8)
        world.run_for(12 * SECONDS)
    keyfob.add([(1, 30000000)])
    world.run_for(1 * MINUTES)


def _scale_manager(world):
    """A scale wakes all the time."""
    _paired(world, "scale_sensor", "calibration_a 10\ncalibration_b 20\n")
    world.run_for(3 * HOURS)


def _tnowc(world):
    """A peripheral talks, and is talked to."""
    _paired(world, "tnowp", "")
    for _ in range(_ROUNDS):
        for _ in range(4):
            command(world, "Trigger", "1")
        world.run_for(1 * MINUTES)


def _paired(world, profile, lines):
    """What comes before does not count: keys for a pairing take seconds, in may_block()."""
    text = smoke.example_config(profile, BROKER_ADDRESS, *lines.splitlines())
    other = Device(world, profile, text, name="other")
    world.run_for(35 * SECONDS)
    other.power_on()
    central = world.device
    assert world.run_until(lambda: central.said("netnow: paired"), 5 * MINUTES), other.console()
    world.run_for(10 * SECONDS)
    central.longest_turn_ms = 0
    return other


def _switch(world):
    """Everybody presses all buttons while programs and commands arrive."""
    bench = world.device.bench
    program = "; ".join(f"{i}:T:+{i}/-{i}" for i in range(4))
    for i in range(40):
        for pin in (26, 34, 33, 35):
            bench.set_input(pin, i & 1)
        for output in range(4):
            command(world, f"{output}/State", str(i + output & 1))
        if i % 8 == 0:
            command(world, "Program", program)
        world.run_for(300)


def _termo(world):
    """Temperatures move, thermometers answer nonsense, lose their supply, come back."""
    parts = world.device.bench.parts
    thermometers = [parts[name] for name in ("first", "second", "third")]
    for i in range(_ROUNDS):
        for thermometer in thermometers:
            thermometer.celsius = 20 + 7 * i
        world.run_for(30 * SECONDS)
        thermometers[0].garbled = 5
        thermometers[1].power_on()
    for thermometer in thermometers:
        _goes_and_comes_back(world, thermometer)


def _weather(world):
    """Values move, each part goes and comes back."""
    parts = world.device.bench.parts
    for i in range(30):
        parts["hygrometer"].celsius = 10 + i
        parts["barometer"].celsius = 10 + i
        world.run_for(4 * SECONDS)
    for name in ("hygrometer", "barometer", "display"):
        _goes_and_comes_back(world, parts[name])


def _goes_and_comes_back(world, part):
    part.present = False
    world.run_for(2 * MINUTES)
    part.present = True
    world.run_for(11 * MINUTES)


_BUSY = {
    "energy": _energy,
    "h2o": _h2o,
    "relay": _relay,
    "rx433": _rx433,
    "scale_manager": _scale_manager,
    "switch": _switch,
    "termo": _termo,
    "tnowc": _tnowc,
    "weather": _weather,
}
