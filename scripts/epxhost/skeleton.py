"""The files of a new profile: an appliance that works, with one contact at GPIO 27.

NAME is put in for the profile's name, TITLE for what it is called in its topics.
"""

FILES = {
    "lib/NAME/__init__.py": "",
    "lib/NAME/settings.py": '''\
"""Keys of config.txt that NAME has."""

from epx.config import Key, integer

KEYS = (
    # How often the contact is looked at.
    Key("period", integer(1, 3600), 1, unit="s"),
)
''',
    "lib/NAME/service.py": '''\
"""What NAME publishes: topic, value of its sensor, decimals, when."""

from epx.clock import MINUTES, SECONDS
from epx.topics import Pub

TOPICS = (
    # 1 while the contact is closed.
    Pub("Closed", "closed", 0, every_ms=1 * SECONDS, refresh_ms=30 * MINUTES),
)
''',
    "lib/NAME/sensor.py": '''\
"""What NAME senses: a contact between a pin and ground."""

from micropython import const

from epx.clock import SECONDS
from epx.loop import Task

_TOLERANCE_MS = const(50)


class Sensor:
    """The values of NAME.service.TOPICS, None while they are not known."""

    closed = None

    def __init__(self, config, pin):
        self._pin = pin
        Task(self._sample, 0, config.period * SECONDS, tolerance_ms=_TOLERANCE_MS)

    def health(self):
        """Of an update on trial: "ok", or one word about what is wrong."""
        return "ok" if self.closed is not None else "unsure"

    def _sample(self):
        self.closed = self._pin.value() == 0
''',
    "profiles/NAME/boot.py": '''\
"""Runs before main.py: nothing to switch off."""
''',
    "profiles/NAME/main.py": '''\
"""TITLE: a contact, published."""

from epx.appliance import Appliance


def settings():
    """Forgotten after the start, to keep the heap for the appliance."""
    from NAME.settings import KEYS

    return KEYS


def build(app):
    """Imports what only it needs: the heap gets back their names, and the network is up anyway."""
    from machine import Pin

    from NAME.sensor import Sensor
    from NAME.service import TOPICS

    sensor = Sensor(app.config, Pin(27, Pin.IN, Pin.PULL_UP))
    app.health = sensor.health
    app.mqtt.bind(sensor, TOPICS)


Appliance("NAME", settings).run(build)
''',
    "profiles/NAME/stage.py": '''\
"""What hangs on the pins of NAME on the simulated bench. Never sent to a device."""


def stage(bench):
    bench.set_input(27, 0)
''',
    "profiles/NAME/config.txt.example": """\
# Network name; blanks are allowed. (wired), (wired2): Ethernet, (none): no network.
ssid My House
password secret word

# MQTT: address of the broker, and the name this device has in its topics.
mqttbroker 192.168.1.10
mqttname TITLE

# How often the contact is looked at, in seconds.
period 1
""",
    "testsuite/NAME_runs/flavor": "NAME\n",
    "testsuite/NAME_runs/config.txt": """\
ssid House
password secret word
mqttbroker 1.2.3.4
mqttname TITLE
""",
    "testsuite/NAME_runs/script.py": '''\
"""An ordinary day of NAME."""

from testsuite.story import MINUTES, SECONDS, command, sent, stat, up


def test_tells_what_it_senses_and_what_changes(world):
    up(world)
    assert world.run_until(lambda: stat(world, "Closed") == "1", 10 * SECONDS)
    world.device.bench.set_input(27, 1)
    assert world.run_until(lambda: stat(world, "Closed") == "0", 5 * SECONDS)


def test_tells_it_again_every_half_hour_and_when_it_is_asked(world):
    up(world)
    world.run_for(65 * MINUTES)
    assert [payload for _, payload in sent(world, "Closed")] == ["1", "1", "1"]
    command(world, "Refresh", b"1")
    assert world.run_until(lambda: len(sent(world, "Closed")) == 4, 2 * SECONDS)
    assert world.device.resets == []
''',
}
