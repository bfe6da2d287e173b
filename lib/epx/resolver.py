"""The broker's address: from the name server, else the last one that it gave."""

import socket

from micropython import const

from epx import log
from epx.loop import uptime_s
from epx.nvram import Nvram

# A dead name server blocks for 20 s (measured on lwIP): not at every attempt to connect, but
# often enough to find a broker that has moved meanwhile.
_ASK_AGAIN_S = const(120)

_ask_at_s = 0
_nvram = None  # kept: MicroPython never closes the handle of an NVS object


def resolve(host, port, watchdog):
    """What socket.connect() wants: asked for, or as it was last time. OSError: unknown."""
    global _ask_at_s, _nvram
    if _nvram is None:
        _nvram = Nvram("mqtt")
    known = (_nvram.get_text("address") or "").split()
    known = known[1] if len(known) == 2 and known[0] == host else None
    watchdog.may_block()
    try:
        if known is None or uptime_s() >= _ask_at_s:
            try:
                address = socket.getaddrinfo(host, port)[0][-1]
            except OSError as error:
                if known is None:
                    raise
                log.warn("mqtt: name server: %s, using %s as last time", error, known)
                _ask_at_s = uptime_s() + _ASK_AGAIN_S
            else:
                # The unix port of MicroPython gives a raw sockaddr, of no use another day.
                if isinstance(address, tuple) and address[0] not in (host, known):
                    _nvram.set_text("address", "%s %s" % (host, address[0]))
                return address
        return socket.getaddrinfo(known, port)[0][-1]
    finally:
        watchdog.may_block_exit()
