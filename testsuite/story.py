"""What many stories begin with, and ask for."""

SECONDS = 1000
MINUTES = 60 * SECONDS
HOURS = 60 * MINUTES


def up(world, limit_ms=60 * SECONDS):
    """Power on and wait until the device is on the network, at the broker, and listens there."""
    device = world.device
    if not device.powered:
        device.power_on()
    assert world.run_until(lambda: is_online(world), limit_ms), "the device does not come up"


def mqtt_name(device):
    """The name that the device has in its topics, from its config.txt."""
    for line in device.flash.text("/config.txt").split("\n"):
        words = line.split()
        if len(words) == 2 and words[0] == "mqttname":
            return words[1]
    return None


def is_online(world):
    """Does the broker hear the device, know its subscriptions, and has it said online?"""
    links = world.broker.links
    availability = "stat/%s/Availability" % mqtt_name(world.device)
    return bool(
        links
        and not links[-1].end.connection.dead
        and links[-1].session
        and links[-1].session.subscriptions
        and world.broker.retained(availability) == b"online"
    )


def stat(world, name):
    """The newest payload of one of the device's topics, as text; None if there is none."""
    payload = world.broker.last("stat/%s/%s" % (mqtt_name(world.device), name))
    return None if payload is None else payload.decode()


def sent(world, name):
    """All that the device has published to one of its topics: [(ms, text)]."""
    topic = "stat/%s/%s" % (mqtt_name(world.device), name)
    return [(ms, payload.decode()) for ms, payload in world.broker.sent(topic)]


def command(world, name, payload, **options):
    """Somebody of the house commands the device."""
    world.broker.publish("cmnd/%s/%s" % (mqtt_name(world.device), name), payload, **options)


class Insight:
    """Boots the unmodified program and lets a story look inside. Make it before power on.

    app: the Appliance of the present boot. net, mqtt: [(ms, state entered)] over all boots.
    more(app, load) is called after the profile's build(), as a part of the program.
    """

    def __init__(self, world, more=None):
        self.app = None
        self.net = []
        self.mqtt = []
        self._world = world
        self._more = more
        world.device.boot_function = self._boot

    def _boot(self, load):
        kind = load("epx.appliance").Appliance
        run = kind.run

        def run_observed(app, build):
            self.app = app
            app.net.sm.observe(lambda name: self.net.append((self._world.now_ms(), name)))
            app.mqtt.sm.observe(lambda name: self.mqtt.append((self._world.now_ms(), name)))
            run(app, lambda app: self._build(app, build, load))

        kind.run = run_observed
        load("boot")
        load("main")

    def _build(self, app, build, load):
        build(app)
        if self._more:
            self._more(app, load)

    def count(self, name):
        """A figure of topic Diag, such as "mqttlost", as it is now."""
        words = self.app.summary().split()
        return int(words[words.index(name) + 1])

    def times(self, machine, name):
        """When the machine ("net" or "mqtt") has entered a state."""
        return [ms for ms, entered in getattr(self, machine) if entered == name]


def with_keys(world, **keys):
    """Change keys of the device's config.txt (None removes one) before it boots."""
    flash = world.device.flash
    lines = [line for line in flash.text("/config.txt").split("\n") if line]
    lines = [line for line in lines if line.split()[0] not in keys]
    lines += ["%s %s" % (key, keys[key]) for key in sorted(keys) if keys[key] is not None]
    flash.load("/config.txt", "\n".join(lines) + "\n")
