"""What a 433 MHz receiver module puts on its data pin: presses of keyfobs, and noise.

A press is a train of frames, as the encoders EV1527 and HT6P20 send them while a button is held:
a long low before each, then the bits. Every pulse may jitter.
"""

# Name: bits; units of the low before a frame; its pulses before the bits; levels of the two
# pulses of a bit; units of a one; usual unit in microseconds.
ENCODERS = {
    "EV1527": (24, 31, (), (1, 0), (3, 1), 350),
    "HT6P20": (28, 23, (1,), (0, 1), (2, 1), 500),
}


class Random:
    """xorshift32 (Marsaglia, Xorshift RNGs, 2003): a given seed gives one sequence, everywhere."""

    def __init__(self, seed=1):
        self._state = (seed * 2654435761 + 0x9E3779B9) & 0xFFFFFFFF or 1

    def between(self, low, high):
        x = self._state
        x ^= (x << 13) & 0xFFFFFFFF
        x ^= x >> 17
        x ^= (x << 5) & 0xFFFFFFFF
        self._state = x
        return low + (x >> 8) % (high - low + 1)


def frame(text, unit_us=None):
    """The pulses of one frame: [(level, us)], beginning with the long low. text: "EV1527:123"."""
    name, _, code = text.partition(":")
    bits, low, before, levels, one, usual_us = ENCODERS[name]
    unit_us = unit_us or usual_us
    pulses = [(0, low * unit_us)] + [(level, unit_us) for level in before]
    for i in range(bits - 1, -1, -1):
        units = one if int(code) >> i & 1 else (one[1], one[0])
        for k in range(2):
            pulses.append((levels[k], units[k] * unit_us))
    return pulses


def press(text, frames=4, unit_us=None):
    """The pulses of a press: frames, one behind the other."""
    return list(_press(text, frames, unit_us))


def _press(text, frames, unit_us):
    # EV1527 sends a short high before each low; HT6P20's bits end high by themselves.
    high = (1, unit_us or 350) if text.startswith("EV1527") else None
    one = frame(text, unit_us)
    for _ in range(frames):
        if high:
            yield high
        yield from one
    if high:
        yield high


def jittered(pulses, pct, random):
    """Each pulse up to pct percent longer or shorter, all of them equally likely."""
    return list(_jittered(pulses, pct, random))


def _jittered(pulses, pct, random):
    for level, us in pulses:
        yield level, us + random.between(-us * pct // 100, us * pct // 100)


def noise(count, random, low_us=20, high_us=3000):
    """What a receiver hears when nobody sends: pulses of any length, of alternating level."""
    return [(i & 1, random.between(low_us, high_us)) for i in range(count)]


class Keyfob:
    """The data pin. press(), noise() and add() put pulses on it, one behind the other."""

    def __init__(self, now_us, seed=1):
        self._now_us = now_us
        self._random = Random(seed)
        self._edges = []  # times at which the level changes; it is low before the first one
        self.jitter_pct = 0
        self.unit_us = None
        self.frames = 4  # of a press

    def press(self, text, frames=None):
        """Somebody presses a button: "EV1527:11259365". When it ends, in us.

        It begins a little later, because who listens by waiting knows when others do nothing.
        """
        self.add(((0, self._random.between(2000, 80000)),))
        # One by one: in real time the heap is the device's.
        pulses = _press(text, int(frames or self.frames), self.unit_us)
        return self.add(_jittered(pulses, int(self.jitter_pct), self._random))

    # The same with a number, as in real time: "call keyfob.ev1527 11259365".

    def ev1527(self, code):
        return self.press("EV1527:%d" % code)

    def ht6p20(self, code):
        return self.press("HT6P20:%d" % code)

    def noise(self, count, low_us=20, high_us=3000):
        """What it hears when nobody sends; see above."""
        return self.add(noise(int(count), self._random, low_us, high_us))

    def add(self, pulses):
        """After what is on the line already: [(level, us)]. When the last pulse ends."""
        now_us = self._now_us()
        # A second is remembered: who listens in hardware asks later. A new list, since in real
        # time the program reads the old one meanwhile.
        edges = self._edges[_after(self._edges, now_us - 1000000) & ~1 :]
        at_us = edges[-1] if edges and edges[-1] > now_us else now_us
        level = 0
        for wanted, us in pulses:
            if wanted != level:
                edges.append(at_us)
                level = wanted
            at_us += us
        if level:
            edges.append(at_us)
        elif not edges or edges[-1] < at_us:
            # Whatever comes next begins when this low has ended.
            edges += [at_us, at_us]
        self._edges = edges
        return at_us

    def level_at(self, now_us):
        return _after(self._edges, now_us) & 1

    def next_edge_us(self, now_us):
        edges = self._edges
        i = _after(edges, now_us)
        # Two changes at one instant are none.
        while i + 1 < len(edges) and edges[i] == edges[i + 1]:
            i += 2
        return edges[i] if i < len(edges) else None


def _after(edges, now_us):
    """How many edges are not after now_us."""
    low, high = 0, len(edges)
    while low < high:
        middle = (low + high) // 2
        if edges[middle] <= now_us:
            low = middle + 1
        else:
            high = middle
    return low
