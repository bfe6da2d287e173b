"""A part on a bus that may fail: left alone for a while, then started again."""

from micropython import const

from epx import log

_RETRY_MS = const(600000)


class Part:
    """What is wrong with a part, and when it is to be tried again. The caller does the trying.

    malfunctions: sum of the bits that it has failed with since it worked; ready: False at first,
    and from a failure until it works. The log hears once of each bit, and of the recovery.
    """

    malfunctions = 0
    ready = False
    retry_ms = _RETRY_MS  # from a failure to the next try; whole minutes
    _rest_ms = 0  # that are left

    def __init__(self, name):
        """name, a plural if it ends in s, begins a line of the log: "h2o: display"."""
        self.name = name

    def rests(self, period_ms):
        """Is it to be left alone? Asked every period_ms."""
        if self._rest_ms > period_ms:
            self._rest_ms -= period_ms
            return True
        return False

    def failed(self, bit, error):
        """It gave this error; bit says at what. All its bits."""
        self.ready = False
        self._rest_ms = self.retry_ms
        if not self.malfunctions & bit:
            self.malfunctions |= bit
            log.warn("%s: %s, next try in %d min", self.name, error, self.retry_ms // 60000)
        return self.malfunctions

    def works(self):
        """It has been started, or has given what it should: all is well again."""
        self.ready = True
        if self.malfunctions:
            self.malfunctions = 0
            log.info("%s work%s again", self.name, "" if self.name[-1] == "s" else "s")
