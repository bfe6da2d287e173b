"""The broker's address: from the name server, else the last one that it gave."""

import socket

from epx import log
from epx.clock import MINUTES
from epx.loop import uptime_s
from epx.nvram import Nvram

# A dead name server blocks for 20 s (measured on lwIP): not at every attempt to connect.
_PAUSE_S = 10 * MINUTES // 1000


class Resolver:
    """Looks host up; this may block, so it happens inside watchdog.may_block()."""

    def __init__(self, host, port, watchdog):
        self._host = host
        self._port = port
        self._watchdog = watchdog
        self._nvram = Nvram("mqtt")
        self._ask_again_s = 0

    def address(self):
        """What socket.connect() wants. OSError if nothing is known."""
        known = self._known()
        if known is None or uptime_s() >= self._ask_again_s:
            try:
                address = self._ask(self._host)
                self._remember(address)
                return address
            except OSError as error:
                if known is None:
                    raise
                log.warn("mqtt: name server: %s, using %s as last time", error, known)
                self._ask_again_s = uptime_s() + _PAUSE_S
        return self._ask(known)

    def failed(self):
        """The address did not answer: perhaps the broker has moved, ask again."""
        self._ask_again_s = 0

    def _ask(self, host):
        self._watchdog.may_block()
        try:
            return socket.getaddrinfo(host, self._port)[0][-1]
        finally:
            self._watchdog.may_block_exit()

    def _known(self):
        words = (self._nvram.get_text("address") or "").split()
        return words[1] if len(words) == 2 and words[0] == self._host else None

    def _remember(self, address):
        # The unix port of MicroPython gives a raw sockaddr, which is of no use another day.
        if isinstance(address, tuple) and address[0] != self._host:
            self._nvram.set_text("address", "%s %s" % (self._host, address[0]))
