"""What the inputs of a switch do: the program that runs, and how one takes its place."""

from epx import diag
from epx.topics import Source

_KEY = "program"


class Program(Source):
    """The one that runs. text: as it was sent; outcome: what became of the last one sent."""

    def __init__(self, nvram, outputs, inputs):
        self._nvram = nvram
        self._outputs = outputs
        self._inputs = inputs
        self._read(nvram.get_text(_KEY), "resume")

    def take(self, text):
        """Run text from now on, if it is right; else the old one stays."""
        try:
            self._read(text, "parse")
        except ValueError as error:
            self.outcome = str(error)
        self.announce("compiled")

    def _read(self, text, how):
        from switch import language

        try:
            text, self._manuals, self.outcome = getattr(language, how)(
                text, self._inputs, len(self._outputs.each)
            )
        finally:
            diag.forget("switch", "language")  # rarely needed: 3 KB
        self.text = text
        self._nvram.set_text(_KEY, text)

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
