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
    """The settings as attributes. Whatever is wrong stands in problems, and nothing is raised.

    A bad value leaves the default (None if there is none). ready says whether the rows keys of
    the appliance got what they need; the rows common never stop it.
    """

    def __init__(self, common, keys, lines):
        self.problems = []
        self.ready = True
        self._keys = tuple(common) + tuple(keys)
        found = self._read(lines)
        for key in self._keys:
            setattr(self, key.name, None if key.default is REQUIRED else key.default)
            if not self._set(key, found.pop(key.name, None)) and key in keys:
                self.ready = False
        for name, (number, _) in sorted(found.items()):
            near = nearest(name, [key.name for key in self._keys])
            hint = ", did you mean '%s'?" % near if near else ""
            self._problem(number, name, "unknown key" + hint)
        self.problems = [text for _, text in sorted(self.problems)]

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
            if key.default is REQUIRED:
                self._problem(number, key.name, "missing" + _in_unit(key))
            return key.default is not REQUIRED
        try:
            setattr(self, key.name, key.parse(words))
        except ValueError as error:
            was = "what is there" if key.secret else "'%s'" % words
            self._problem(number, key.name, "%s%s, not %s" % (error.args[0], _in_unit(key), was))
            return False
        return True

    def _problem(self, number, name, words):
        where = "line %d: " % number if number else ""
        # Somebody may have written password=secret.
        name = name.split("=")[0].split(":")[0] + ": " if name else ""
        self.problems.append((number or 9999, "config.txt: %s%s%s" % (where, name, words)))

    def __str__(self):
        words = []
        for key in self._keys:
            value = getattr(self, key.name)
            words.append("%s=%s" % (key.name, "***" if key.secret and value else value))
        return " ".join(words)


def _in_unit(key):
    return " (%s)" % key.unit if key.unit else ""


def text(words):
    if not words:
        raise ValueError("want a text")
    return words


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
    return _within("an integer", int, low, high)


def number(low, high):
    return _within("a number", float, low, high)


def _within(what, convert, low, high):
    def parse(words):
        try:
            value = convert(words)
            if low <= value <= high:
                return value
        except (ValueError, OverflowError):
            pass
        raise ValueError("want %s from %s to %s" % (what, low, high))

    return parse


def numbers(low, high, most):
    """Up to most numbers, separated by commas, each larger than the one before."""

    def parse(words):
        try:
            values = tuple([float(word) for word in words.split(",")])
        except (ValueError, OverflowError):
            values = ()
        rising = all(values[i] < values[i + 1] for i in range(len(values) - 1))
        if values and len(values) <= most and low <= values[0] and values[-1] <= high and rising:
            return values
        raise ValueError(
            "want up to %d rising numbers from %s to %s, with commas between" % (most, low, high)
        )

    return parse


def nearest(name, known):
    """The one of known that a slip of the finger away could have been name, or None."""
    best, fewest = None, 2 if len(name) < 6 else 3
    for candidate in known:
        edits = _edits(name.lower(), candidate, fewest)
        if edits < fewest:
            best, fewest = candidate, edits
    return best


def _edits(a, b, limit):
    """Insertions, deletions, replacements, swaps that lead from a to b, at most limit."""
    if abs(len(a) - len(b)) >= limit:
        return limit
    before, row = None, list(range(len(b) + 1))
    for i in range(len(a)):
        older, before, row = before, row, [i + 1]
        for j in range(len(b)):
            same = a[i] == b[j]
            edits = min(before[j] + (not same), before[j + 1] + 1, row[j] + 1)
            if i and j and a[i] == b[j - 1] and a[i - 1] == b[j]:
                edits = min(edits, older[j - 1] + 1)
            row.append(edits)
    return min(row[-1], limit)
