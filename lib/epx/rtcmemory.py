"""Short data that survive every reset but a power-on, in the RAM of the ESP32's clock.

It does not wear, so it may be written as often as wanted. Each piece has a name; all of
them together have 2 KB of room, and a check, since after a brown-out anything may be there.
"""

from binascii import crc32

import machine

_CHECK_BYTES = 4


def read(name):
    """The bytes that were written under name, or None."""
    return _pieces().get(name)


def write(name, data):
    """Up to 255 bytes under name; None removes it."""
    pieces = _pieces()
    if pieces.get(name) == data:
        return
    pieces[name] = data
    body = b""
    for key, value in pieces.items():
        if value is not None:
            for part in (key.encode(), value):
                body += bytes((len(part),)) + part
    machine.RTC().memory(body + _check(body))


def _pieces():
    data = machine.RTC().memory()
    body = data[:-_CHECK_BYTES]
    found = {}
    if data[-_CHECK_BYTES:] == _check(body):
        at = 0
        while at < len(body):
            # A length and the name, a length and the data.
            middle = at + 1 + body[at]
            end = middle + 1 + body[middle]
            found[body[at + 1 : middle].decode()] = body[middle + 1 : end]
            at = end
    return found


def _check(body):
    return crc32(body).to_bytes(_CHECK_BYTES, "big")


if machine.reset_cause() == machine.PWRON_RESET:
    machine.RTC().memory(b"")
