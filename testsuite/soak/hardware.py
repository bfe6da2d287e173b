"""What the hardware of all profiles has in common in a storm; that of each derives from Base."""

from testsuite.story import stat


class Base:
    """Faults of the parts of a profile's stage.

    again: topics that must be published again after each fault. commands: (topic, function of a
    Random that gives a payload), which the profile obeys. story_minutes: of the storm in make
    test, a second or two on CPython. shares: (storms, virtual days of each) in make soak, where 40
    days must be lived through, and those of some profiles take long.
    """

    again = ()
    commands = ()
    story_minutes = 120
    shares = (3, 2.0)

    def __init__(self, storm):
        """Before power on."""
        self.storm = storm
        self.world = storm.world
        self.random = storm.random
        self.bench = storm.device.bench
        self.parts = storm.device.bench.parts

    def rows(self):
        """[(name, begin, end)] of faults that last, end is None of those that only happen."""
        return []

    def wrong(self):
        """What is wrong at rest, however the parts are: text, or None."""

    def provoke(self):
        """Before untrue(): let something happen that is to be told. Time may pass."""

    def untrue(self):
        """What is told and not so, when all parts work: text, or None."""

    # Rows, and what they need.

    def broken(self, *names):
        """Rows for parts that do not answer, or answer with errors."""
        rows = []
        for name in names:
            rows.append(self.attribute(name, "failing", True, False))
            rows.append(self.attribute(name, "present", False, True))
        return rows

    def attribute(self, part, name, bad, good):
        """A row: for a while an attribute of a part is bad, or what bad() gives."""
        model = self.parts[part]
        return (
            "%s.%s" % (part, name),
            lambda: setattr(model, name, bad() if callable(bad) else bad),
            lambda: setattr(model, name, good),
        )

    def happens(self, part, name, value):
        """A row: suddenly an attribute of a part is what value() gives, and stays so."""
        model = self.parts[part]
        return "%s.%s changes" % (part, name), lambda: setattr(model, name, value()), None

    def brownout(self, part):
        """A row: the part alone loses its supply for a moment."""
        return part + " browns out", self.parts[part].power_on, None

    def again_and_again(self, name, least_ms, most_ms, action, end=None):
        """A row: action() at random times while it lasts."""
        waiting = []

        def next_one():
            ms = self.random.between(least_ms, most_ms)
            waiting[:] = [self.world.call_after(ms, act)]

        def act():
            action()
            next_one()

        def stop():
            waiting.pop().cancel()
            if end:
                end()

        return name, next_one, stop

    def differs(self, topic, wanted, tolerance):
        """Text if the newest payload of topic is another number, else None."""
        payload = stat(self.world, topic)
        try:
            if abs(float(payload) - wanted) <= tolerance:
                return None
        except (TypeError, ValueError):
            pass
        return "%s is %s, want %s" % (topic, payload, wanted)
