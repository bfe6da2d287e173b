"""Presses of keyfobs: equal frames become one event, codes have names."""

from time import ticks_diff, ticks_ms

import esp32
from micropython import const

from epx import log
from epx.loop import Task
from epx.nvram import Nvram
from epx.topics import Source
from third.keyfob import COUNTS, Frames, decode

# The watchdog is active by then, and whoever is at the serial port has come first.
_FIRST_MS = const(12000)
# How long an update has the processor for itself between two windows.
_UPDATE_MS = const(125)
# Frames of a press are not further apart than this; a button let go for longer is pressed anew.
_PRESS_MS = const(250)
_LEARN_MS = const(60000)
_MOST_CODES = const(12)
_COUNT_MASK = const(0x3FFFFFFF)


class Receiver(Source):
    """keyfob, button: what was pressed last; learned: what was taught."""

    keyfob = button = learned = None
    _listener = None
    _code = None  # of the frame before
    _equal = 0  # frames in a row, up to as many as make a press
    _heard_ms = 0
    _learning = None  # the name that the next code gets

    def __init__(self, app, pin):
        config = app.config
        self._app = app
        self._pin = pin
        self._make = _listener_class(config.rmt)
        self._wanted = config.frames
        self._tells_unknown = config.unknown
        self._frames = Frames()
        self._received = self._good = 0
        self._nvram = Nvram("rx433")
        self._fixed = config.codes
        self._taught = []
        for pair in (self._nvram.get_text("learned") or "").split(","):
            code, _, name = pair.partition(" ")
            if name.strip() and len(self._taught) < _MOST_CODES:
                self._taught.append((code, name.strip()))
        self._tell_taught()
        self._turn = Task(self._listen, _FIRST_MS)
        self._give_up = Task(self._stop_learning, _LEARN_MS)
        self._give_up.cancel()

    def health(self):
        """For an update on trial: does it listen?"""
        return "ok" if self._listener else "deaf"

    def statistics(self):
        words = "recv %d good %d bad %d" % (
            self._received,
            self._good,
            self._received - self._good & _COUNT_MASK,
        )
        for i in range(len(COUNTS)):
            words += " %s %d" % (COUNTS[i], self._frames.counts[i])
        return words

    def learn(self, name):
        self._learning = name
        self._give_up.restart()
        log.info("rx433: press the button for %s", name)

    def forget(self, name):
        kept = [pair for pair in self._taught if pair[1] != name]
        if len(kept) == len(self._taught):
            log.warn("rx433: nothing was taught as %s", name)
        else:
            self._taught = kept
            self._save()

    def _stop_learning(self):
        log.warn("rx433: no button was pressed for %s", self._learning)
        self._learning = None

    def _listen(self):
        if self._listener is None:
            self._listener = self._make(self._pin, self._frames, self._on_frame)
        listener = self._listener
        listener.listen()
        pause_ms = listener.every_ms or (_UPDATE_MS if self._app.ota else 1)
        self._turn.restart(pause_ms)

    def _on_frame(self):
        self._received = (self._received + 1) & _COUNT_MASK
        code = decode(self._frames.pulses, self._frames.size)
        if code is None:
            return
        self._good = (self._good + 1) & _COUNT_MASK
        now_ms = ticks_ms()
        if code != self._code or not 0 <= ticks_diff(now_ms, self._heard_ms) <= _PRESS_MS:
            self._code = code
            self._equal = 0
        self._heard_ms = now_ms
        if self._equal < self._wanted:
            self._equal += 1
            if self._equal == self._wanted:
                self._on_press(code)

    def _on_press(self, code):
        if self._learning:
            self._teach(code)
            return
        name = self._name(code)
        if name or self._tells_unknown:
            self.keyfob = code
            self.announce("pressed")
        if name:
            self.button = name
            self.announce("named")

    def _name(self, code):
        for codes in (self._taught, self._fixed):
            for known, name in codes:
                if known == code:
                    return name
        return None

    def _teach(self, code):
        name = self._learning
        self._learning = None
        self._give_up.cancel()
        kept = [pair for pair in self._taught if pair[0] != code]
        if len(kept) == _MOST_CODES:
            log.warn("rx433: %d codes are learned, forget one first", _MOST_CODES)
            return
        kept.append((code, name))
        self._taught = kept
        log.info("rx433: %s is %s", code, name)
        self._save()

    def _save(self):
        self._tell_taught()
        self._nvram.set_text("learned", self.learned or "")
        self.announce("taught")

    def _tell_taught(self):
        self.learned = ",".join(["%s %s" % pair for pair in self._taught]) or None


def _listener_class(rmt):
    if rmt and hasattr(esp32, "RMTRX"):
        from third.ookrmt import Listener

        return Listener
    if rmt:
        log.warn("rx433: this firmware has no esp32.RMTRX, so the processor listens")
    from third.ookpoll import Listener

    return Listener
