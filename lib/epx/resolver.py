"""The broker's address: from the name server, else the last one that it gave."""

import socket

from epx import log
from epx.loop import uptime_s
from epx.nvram import Nvram

# A dead name server blocks for 20 s (measured on lwIP): not at every attempt to connect, but
# often enough to find a broker that has moved meanwhile.
_PAUSE_S = 120


class Resolver:
    """Looks host up; this may block, so it happens inside watchdog.may_block()."""

    _ask_again_s = 0

    def __init__(self, host, port, watchdog):
        self._host = host
        self._port = port
        self._watchdog = watchdog
        self._nvram = Nvram("mqtt")

    def address(self):
        """What socket.connect() wants. OSError if nothing is known."""
        host = self._host
        known = (self._nvram.get_text("address") or "").split()
        known = known[1] if len(known) == 2 and known[0] == host else None
        if known is None or uptime_s() >= self._ask_again_s:
            try:
                address = self._ask(host)
            except OSError as error:
                if known is None:
                    raise
                log.warn("mqtt: name server: %s, using %s as last time", error, known)
                self._ask_again_s = uptime_s() + _PAUSE_S
            else:
                # The unix port of MicroPython gives a raw sockaddr, of no use another day.
                if isinstance(address, tuple) and address[0] not in (host, known):
                    self._remember("%s %s" % (host, address[0]))
                return address
        return self._ask(known)

    def _remember(self, words):
        try:
            self._nvram.set_text("address", words)
        except OSError as error:
            log.warn("mqtt: address not stored: %s", error)

    def _ask(self, host):
        self._watchdog.may_block()
        try:
            return socket.getaddrinfo(host, self._port)[0][-1]
        finally:
            self._watchdog.may_block_exit()
