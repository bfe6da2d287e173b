"""The keys of config.txt that every appliance has."""

from epx.config import Key, choice, flag, integer


def led(words):
    """'none', a pin number, or a pin number and 'inverted': (pin or None, inverted)."""
    if words == "none":
        return (None, False)
    pin, _, inverted = words.partition(" ")
    if not pin.isdigit() or inverted.strip() not in ("", "inverted"):
        raise ValueError("want none, a pin, or a pin and 'inverted'")
    return (int(pin), inverted != "")


def topic_name(words):
    """Part of a topic: no level separator, no wildcard."""
    if not words or len(words) > 40 or any(c in words for c in "/+#$ "):
        raise ValueError("want up to 40 characters without blank / + # $")
    return words


COMMON = (
    # The network name, or (wired), (wired2): a board with Ethernet, (none): no network.
    Key("ssid"),
    # None: an open network.
    Key("password", secret=True, default=None),
    # Reboot after so long without a link; 0: never.
    Key("netreboot", integer(0, 10080), 10, unit="min"),
    # Its name or address. Without broker and name there is no MQTT.
    Key("mqttbroker", default=None),
    # What this device is called in its topics: stat/<mqttname>/...
    Key("mqttname", topic_name, None),
    # None: 1883, with TLS 8883.
    Key("mqttport", integer(1, 65535), None),
    Key("mqttuser", default=None),
    Key("mqttpassword", secret=True, default=None),
    # 1: encrypted.
    Key("mqtttls", flag, False),
    # A file on the device with the certificate of who signed the broker's; None: trust anybody.
    Key("mqttca", default=None),
    # persistent: the broker keeps commands (QoS 1) for a device that is away.
    Key("mqttsession", choice("clean", "persistent"), "clean"),
    # A longer message from the broker is skipped.
    Key("mqttpacket", integer(128, 4096), 512, unit="bytes"),
    # Reboot after so long without an answer of the broker; 0: never.
    Key("mqttreboot", integer(0, 10080), 10, unit="min"),
    # A dead broker or link is noticed within 1.5 times this.
    Key("keepalive", integer(5, 3600), 30, unit="s"),
    # 1: a program that hangs is reset after 15 s.
    Key("watchdog", flag, True),
    # Lit while the program works.
    Key("led", led, (2, False)),
    # What is worth a line on the console and on the topic Log.
    Key("loglevel", choice("error", "warn", "info", "debug"), "info"),
)
