"""The language that says what the inputs of a switch do, and the program that runs.

A program such as `0:P:-0/+0; 1:T:+0,-1/-0,+1` says which phases an input leads through:

    program := manual { ";" manual }         empty parts are ignored
    manual  := number ":" kind ":" phase { "/" phase }
    kind    := "P" | "T" | "R"
    phase   := action { "," action }
    action  := ("+" | "-") number            + on, - off

| kind | what the input does |
|---|---|
| P | a button: each press is a step to the next phase; one that is long leads to the first phase |
| T | a toggle: each change is a step to the next phase |
| R | a position: on is the second phase, off the first one; so it is at the start, too |

The next phase is the one after the first phase that describes the outputs as they are; if none
does, it is the second one. Blanks around everything are allowed. At first each input is a button
of the output with its number.
"""

from epx import log
from epx.topics import Source

_KEY = "program"


def parse(text, inputs, outputs, strict):
    """{input: (kind, phases)}; ValueError says what is wrong.

    A phase is (outputs it names, those that must be on, those that must be off, those that it
    switches on), each with a bit per output. Not strict: as programs were read before numbers out
    of range and repeats were refused. Numbers are modulo, the last one counts.
    """
    manuals = {}
    for words in [words.strip() for words in text.split(";")]:
        if not words:
            continue
        parts = [part.strip() for part in words.split(":")]
        if len(parts) != 3:
            raise ValueError("Program manual unexp: " + words)
        number = _number(parts[0], "Program manual# unexp: ")
        if strict:
            _check_range(number, inputs, "Program manual# out of range: ")
        number %= inputs
        if strict and number in manuals:
            raise ValueError("Program manual# repeated: %d" % number)
        if parts[1] not in ("P", "T", "R"):
            raise ValueError("Program kind unexp: " + parts[1])
        phases = [_phase(phase, outputs, strict) for phase in parts[2].split("/")]
        manuals[number] = (parts[1], phases)
    if not manuals:
        raise ValueError("Program is nil")
    return manuals


def _phase(text, outputs, strict):
    if not text.strip():
        raise ValueError("Phase empty")
    on = off = switched_on = 0
    for action in [action.strip() for action in text.split(",")]:
        if len(action) < 2:
            raise ValueError("Switch len unexp: " + action)
        if action[0] not in "+-":
            raise ValueError("Switch sign unexp: " + action)
        number = _number(action[1:], "Phase switch# unexp: ")
        if strict:
            _check_range(number, outputs, "Phase switch# out of range: ")
        bit = 1 << number % outputs
        if strict and (on | off) & bit:
            raise ValueError("Phase switch# repeated: %d" % number)
        if action[0] == "+":
            on |= bit
            switched_on |= bit
        else:
            off |= bit
            switched_on &= ~bit
    return on | off, on, off, switched_on


def _number(text, complaint):
    """int() takes more, and not the same on every interpreter."""
    text = text.strip()
    digits = text[1:] if text[:1] in ("+", "-") else text
    for character in digits:
        if character not in "0123456789":
            digits = ""
    if not digits:
        raise ValueError(complaint + text)
    return int(text)


def _check_range(number, count, complaint):
    if not 0 <= number < count:
        raise ValueError("%s%d, want 0 to %d" % (complaint, number, count - 1))


def default(inputs, outputs):
    """Each input switches its own output on and off."""
    return "".join(["%d:P:-%d/+%d; " % (i, i % outputs, i % outputs) for i in range(inputs)])


class Program(Source):
    """The one that runs. text: as it was sent; outcome: what became of the last one sent."""

    text = None
    outcome = None

    def __init__(self, nvram, outputs, inputs):
        self._nvram = nvram
        self._outputs = outputs
        self._inputs = inputs
        stored = nvram.get_text(_KEY)
        if stored is None or not self._resume(stored):
            outcome = self.outcome
            self.take(default(inputs, len(outputs.each)))
            self.outcome = outcome or self.outcome

    def _resume(self, text):
        """Run the stored one; False if it is wrong."""
        size = len(self._outputs.each)
        try:
            self._manuals = parse(text, self._inputs, size, False)
        except ValueError as error:
            self.outcome = str(error)
            log.error("switch: stored program: %s; the default one takes its place", error)
            return False
        self.text = text
        self.outcome = "Success"
        try:
            parse(text, self._inputs, size, True)
        except ValueError as error:
            self.outcome = "Success, though it would be refused today: %s" % error
            log.warn("switch: stored program runs, though it would be refused today: %s", error)
        return True

    def take(self, text):
        """Run text from now on, if it is right; else the old one stays."""
        try:
            manuals = parse(text, self._inputs, len(self._outputs.each), True)
        except ValueError as error:
            self.outcome = str(error)
        else:
            self._manuals = manuals
            self.text = text
            self.outcome = "Success"
            self._nvram.set_text(_KEY, text)
        self.announce("compiled")

    def moved(self, number, on):
        """An input was moved -> what is told of it, or None."""
        manual = self._manuals.get(number)
        if manual is None:
            return None
        kind, phases = manual
        if kind == "P":
            if not on:
                return None
            self._step(phases)
            return "P"
        if kind == "T":
            self._step(phases)
            return "T+" if on else "T-"
        self._enter(phases, on)
        return "R+" if on else "R-"

    def held(self, number):
        """An input stays on -> what is told of it, or None."""
        manual = self._manuals.get(number)
        if manual is None or manual[0] != "P":
            return None
        self._enter(manual[1], 0)
        return "L"

    def found(self, number, on):
        """The first reading of an input: a position counts, nobody has moved it."""
        manual = self._manuals.get(number)
        if manual is not None and manual[0] == "R":
            self._enter(manual[1], on)

    def _step(self, phases):
        """From the first phase that describes the outputs to the next one."""
        levels = self._outputs.levels
        present = 0
        for i, (_, on, off, _) in enumerate(phases):
            if levels & on == on and not levels & off:
                present = i
                break
        self._enter(phases, present + 1)

    def _enter(self, phases, index):
        named, _, _, switched_on = phases[index % len(phases)]
        self._outputs.change(named, switched_on)
