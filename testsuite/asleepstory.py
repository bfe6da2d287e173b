"""What stories about updates of devices on the radio share: the device, its central, and `ota`.

world.device is the peripheral, installed; world.central publishes what it says. CPython only.
"""

from epxhost.fileset import FileSet
from epxhost.mqttclient import Message
from epxhost.otasleeper import Central
from testmock.simworld import installed
from testmock.simworld.device import Device
from testmock.simworld.pc import Pc
from testsuite import otastory
from testsuite.story import MINUTES, SECONDS, mqtt_name

GATE = "Gate"
CENTRAL_CONFIG = """\
ssid House
password secret word
mqttbroker 1.2.3.4
mqttname Gate
espnowpsk bla
espnowgroup ble
"""


class AtBroker:
    """What epxhost.mqttclient.DeviceAtBroker is for the tools, in the world's time."""

    def __init__(self, pc, device):
        self.device = device
        self._pc = pc
        self._broker = pc.world.broker
        self._next = len(self._broker.log)

    @property
    def availability(self):
        retained = self._broker.retained("stat/%s/Availability" % self.device)
        return retained and retained.decode()

    def command(self, text, topic="OTA"):
        self._broker.publish("cmnd/%s/%s" % (self.device, topic), text)

    def require_online(self):
        assert self.availability == "online"

    def wait_for(self, wanted, limit_s, seen=None):
        end_s = self._pc.monotonic() + limit_s
        head = "stat/%s/" % self.device
        while True:
            log = self._broker.log
            while self._next < len(log):
                said = log[self._next]
                self._next += 1
                if said.topic.startswith(head):
                    text = said.payload.decode()
                    message = Message(said.topic[len(head) :], text, False, said.ms / 1000)
                    if wanted(message):
                        return message
            if self._pc.monotonic() >= end_s:
                return None
            self._pc.sleep(0.2)


class Tool:
    """`ota --manager Gate`, without its command line. said: what the person sees."""

    def __init__(self, world, identity=None):
        self.pc = Pc(world)
        self.said = []
        self._world = world
        self._identity = identity or world.device.wifi.mac.hex()
        self._restarted_s = 0.0

    def central(self):
        at_broker = AtBroker(self.pc, GATE)
        return Central(at_broker, self._identity, self.said.append, self.pc.monotonic)

    def start(self, fileset):
        """A job of the PC that ends with the verdict."""
        return self.pc.run(self._update, fileset)

    def configure(self, text):
        """The same for another config.txt."""

        def action(client):
            client.put("/config.txt", text.encode())
            return self._restart(client)

        return self.pc.run(self._over_the_air, action, False)

    def bring(self):
        """A job that ends when the device has come to the broker."""
        device = AtBroker(self.pc, mqtt_name(self._world.device))
        return self.pc.run(self.central().await_device, device)

    def _update(self, fileset):
        def action(client):
            assert client.send_set(fileset).differs
            client.commit()
            return self._restart(client)

        self._over_the_air(action, True)

    def _over_the_air(self, action, is_program):
        device = AtBroker(self.pc, mqtt_name(self._world.device))
        central = self.central()
        central.await_device(device)
        device.command("open")
        assert device.wait_for(lambda message: message.topic == "OTA", 60)
        link = otastory.link(self.pc, say=self.said.append)
        set_before = link.run(action)["set"]
        central.await_verdict(device.device, set_before if is_program else None, self._restarted_s)

    def _restart(self, client):
        self._restarted_s = self.pc.monotonic()
        client.reboot()
        return client.identity


def start(world, central_profile, changes=None):
    """Both have power and are paired."""
    device = world.device
    installed.install(device, device.profile, changes=changes)
    world.central = Device(world, central_profile, CENTRAL_CONFIG, name="central")
    world.central.power_on()
    world.run_for(40 * SECONDS)
    device.power_on()
    known = lambda: world.central.said("netnow: paired, 1 known")
    assert world.run_until(known, 2 * MINUTES), device.console()


def new_set(profile, changes=None, version=2):
    return FileSet(profile, version, 0, installed.set_files(profile, changes))


def central_says(world, text):
    """Lines of the central's log with this text."""
    said = [line.decode() for _, line in world.broker.sent("stat/%s/Log" % GATE)]
    return [line for line in said if text in line]


def restart_central(world):
    world.central.power_cut()
    world.run_for(5 * SECONDS)
    world.central.power_on()
