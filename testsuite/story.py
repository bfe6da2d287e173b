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
    """Does the broker know the device, its subscriptions, and has it said online?"""
    broker = world.broker
    availability = "stat/%s/Availability" % mqtt_name(world.device)
    return bool(
        broker.connections
        and broker.subscriptions(broker.connections[0])
        and broker.retained(availability) == b"online"
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


def state(world, attribute="net"):
    """The state of the device's network (or mqtt) machine."""
    return getattr(world.device.module("main").app, attribute).sm.state
