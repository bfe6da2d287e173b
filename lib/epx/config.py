"""config.txt: one "key value" per line. Key rows say what may be in it, here and on the PC.

The first blank ends the key; the rest of the line is the value, inner blanks included. Lines that
begin with # are comments. A value "None" means: as if the line were not there.
"""

REQUIRED = object()


class Key:
    """One setting. parse(text) returns its value or raises ValueError saying what it wants."""

    def __init__(self, name, parse=None, default=REQUIRED, unit="", secret=False):
        self.name = name
        self.parse = parse or text
        self.default = default
        self.unit = unit
        self.secret = secret


class Config:
    """The settings as attributes, here or of target. Whatever is wrong stands in problems.

    A bad value leaves the default (None if there is none). ready says whether the rows keys of
    the appliance got what they need; the rows common never stop it. A row of the appliance takes
    the place of a common one of its name.
    """

    def __init__(self, common, keys, lines, target=None):
        self._target = target = target or self
        self.problems = []
        target.ready = True
        found = self._read(lines)
        own = [key.name for key in keys]
        for key in common + keys:
            if key in common and key.name in own:
                continue  # the appliance's row takes its place
            setattr(target, key.name, None if key.default is REQUIRED else key.default)
            if not self._set(key, found.pop(key.name, None)) and key in keys:
                target.ready = False
        for name, (number, _) in found.items():
            near = nearest(name.lower(), common + keys)
            hint = ", did you mean '%s'?" % near if near else ""
            self._problem(number, name, "unknown key" + hint)
        found = sorted(self.problems)
        self.problems = []
        for _, words in found:
            self.problems.append(words)

    def _read(self, lines):
        found = {}
        number = 0
        for line in lines:
            number += 1
            try:
                words = line if isinstance(line, str) else str(line, "utf-8")
            except UnicodeError:
                self._problem(number, "", "want UTF-8 text")
                continue
            words = words.replace("\ufeff", "").replace("\t", " ").strip()
            if not words or words.startswith("#"):
                continue
            parts = words.split(" ", 1)
            name = parts[0]
            if name in found:
                self._problem(number, name, "given twice, line %d is not used" % found[name][0])
            found[name] = (number, parts[1].strip() if len(parts) > 1 else "")
        return found

    def _set(self, key, line):
        number, words = line or (0, "None")
        if words == "None":
            if key.default is not REQUIRED:
                return True
            why, was = "missing", ""
        else:
            try:
                setattr(self._target, key.name, key.parse(words))
                return True
            except ValueError as error:
                why = error.args[0]
                was = ", not what is there" if key.secret else ", not '%s'" % words
        unit = " (%s)" % key.unit if key.unit else ""
        self._problem(number, key.name, why + unit + was)

    def _problem(self, number, name, words):
        where = "line %d: " % number if number else ""
        # Somebody may have written password=secret.
        name = name.split("=")[0].split(":")[0] + ": " if name else ""
        self.problems.append((number or 9999, "config.txt: %s%s%s" % (where, name, words)))


def text(words):
    if not words:
        raise ValueError("want a text")
    return words


def secret_text(least, most):
    def parse(words):
        if not least <= len(words) <= most:
            raise ValueError("want %d to %d characters" % (least, most))
        return words

    return parse


def flag(words):
    """1 or 0."""
    if words not in ("0", "1"):
        raise ValueError("want 1 or 0")
    return words == "1"


def choice(*allowed):
    def parse(words):
        if words not in allowed:
            raise ValueError("want one of " + " ".join(allowed))
        return words

    return parse


def integer(low, high):
    return number(low, high, int)


def number(low, high, convert=float):
    def parse(words):
        try:
            value = convert(words)
            if low <= value <= high:
                return value
        except (ValueError, OverflowError):
            pass
        what = "an integer" if convert is int else "a number"
        raise ValueError("want %s from %s to %s" % (what, low, high))

    return parse


def numbers(low, high, most):
    """Up to most numbers, separated by commas, each larger than the one before."""

    def parse(words):
        values = []
        try:
            for word in words.split(","):
                value = float(word)
                if not low <= value <= high or (values and value <= values[-1]):
                    break
                values.append(value)
            else:
                if len(values) <= most:
                    return tuple(values)
        except (ValueError, OverflowError):
            pass
        raise ValueError(
            "want up to %d rising numbers from %s to %s, with commas between" % (most, low, high)
        )

    return parse


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
    for character in "/+#$ ":
        if character in words:
            words = ""
    if not 0 < len(words) <= 40:
        raise ValueError("want up to 40 characters without blank / + # $")
    return words


def nearest(name, keys):
    """The name among keys that one slip of the finger away could have been name, or None.

    A letter too many, too few, another one, or two neighbours swapped (Damerau's four slips).
    """
    for key in keys:
        known = key.name
        i = 0
        while name[i : i + 1] == known[i : i + 1] != "":
            i += 1
        a, b = name[i:], known[i:]
        if b in (a, a[1:]) or b[1:] in (a, a[1:]) or b == a[1:2] + a[:1] + a[2:]:
            return known
    return None


# The keys that every appliance has.
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
    # What opens the port for updates, made by scripts/pcp_conf --new-otakey. None: no updates.
    Key("otakey", secret_text(16, 64), None, secret=True),
    # A longer message from the broker is skipped.
    Key("mqttpacket", integer(128, 3584), 512, unit="bytes"),
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
