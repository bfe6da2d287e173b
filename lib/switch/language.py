"""The language that says what the inputs of a switch do. Loaded while a program is read.

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


def parse(text, inputs, outputs):
    """(text, {input: (kind, phases)}, what is told of it); ValueError says what is wrong.

    A phase is (outputs it names, those that must be on, those that must be off, those that it
    switches on), each with a bit per output.
    """
    return text, _manuals(text, inputs, outputs, True), "Success"


def resume(text, inputs, outputs):
    """The same for a stored program, None if there is none. It raises nothing.

    Programs of old had numbers out of range, taken modulo, and repeats, of which the last one
    counted: such a program goes on.
    """
    outcome = None
    if text is not None:
        try:
            manuals = _manuals(text, inputs, outputs, False)
        except ValueError as error:
            outcome = str(error)
            log.error("switch: stored program: %s; the default one takes its place", error)
        else:
            try:
                return parse(text, inputs, outputs)
            except ValueError as error:
                outcome = "Success, but such a program is refused today: %s" % error
                log.warn("switch: stored program: %s", outcome)
                return text, manuals, outcome
    text = "".join(["%d:P:-%d/+%d; " % (i, i % outputs, i % outputs) for i in range(inputs)])
    text, manuals, success = parse(text, inputs, outputs)
    return text, manuals, outcome or success


def _manuals(text, inputs, outputs, strict):
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
