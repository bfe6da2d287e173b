"""The keys of config.txt that every appliance has."""

from epx.config import Key, choice, flag, integer


def led(words):
    """'none', a pin number, or a pin number and 'inverted': (pin or None, inverted)."""
    if words == "none":
        return (None, False)
    parts = words.split()
    if not parts or not parts[0].isdigit() or parts[1:] not in ([], ["inverted"]):
        raise ValueError("want none, a pin, or a pin and 'inverted'")
    return (int(parts[0]), len(parts) == 2)


def topic_name(words):
    """Part of a topic: no level separator, no wildcard."""
    if not words or len(words) > 40 or any(c in words for c in "/+#$ "):
        raise ValueError("want up to 40 characters without blank / + # $")
    return words


COMMON = (
    # The network name, or (wired), (wired2), (none).
    Key("ssid"),
    Key("password", secret=True, default=None),
    Key("netreboot", integer(0, 10080), 10, unit="min"),
    # Without broker and name no MQTT.
    Key("mqttbroker", default=None),
    Key("mqttname", topic_name, None),
    Key("mqttport", integer(1, 65535), None),
    Key("mqttuser", default=None),
    Key("mqttpassword", secret=True, default=None),
    Key("mqtttls", flag, False),
    # A file on the device with the certificate of who signed the broker's.
    Key("mqttca", default=None),
    Key("mqttsession", choice("clean", "persistent"), "clean"),
    Key("mqttpacket", integer(128, 4096), 512, unit="bytes"),
    Key("mqttreboot", integer(0, 10080), 10, unit="min"),
    Key("keepalive", integer(5, 3600), 30, unit="s"),
    Key("watchdog", flag, True),
    Key("led", led, (2, False)),
    Key("loglevel", choice("error", "warn", "info", "debug"), "info"),
)
