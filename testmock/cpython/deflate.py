"""deflate, for CPython: decompression as MicroPython does it, over zlib.

As there, no more of the stream is taken than what was read needs (seen between two calls: in
between a stream that can seek is read in pieces). A window below 256 bytes counts as 256.
"""

import zlib

AUTO = 0
RAW = 1
ZLIB = 2
GZIP = 3

_EAGAIN = 11
_EINVAL = 22
_PIECE_BYTES = 256
_RAW_DEFAULT_BITS = 8


def _zlib_bits(format, wbits):
    """How zlib says it: negative without a header, 16 more for gzip, 32 more for whichever."""
    if format == RAW:
        return -max(wbits or _RAW_DEFAULT_BITS, 8)
    if format == GZIP:
        return 31
    # The header's own window counts, as in MicroPython.
    return 15 if format == ZLIB else 47


class DeflateIO:
    """A stream of what the compressed stream means."""

    def __init__(self, stream, format=AUTO, wbits=0, close=False):
        if wbits and not 5 <= wbits <= 15:
            raise ValueError("wbits")
        if format not in (AUTO, RAW, ZLIB, GZIP):
            raise ValueError("format")
        self._stream = stream
        self._close = close
        self._inflater = zlib.decompressobj(_zlib_bits(format, wbits))
        seekable = getattr(stream, "seekable", None)
        can_go_back = seekable() if seekable else hasattr(stream, "seek")
        self._piece = bytearray(_PIECE_BYTES if can_go_back else 1)

    def _take(self):
        """The next compressed bytes, or an error as MicroPython's."""
        n = self._stream.readinto(self._piece)
        if n is None:
            raise OSError(_EAGAIN)
        if n == 0:
            raise EOFError
        return self._piece[:n]

    def _inflate(self, wanted):
        """At most wanted bytes; nothing at the end."""
        if self._stream is None:
            raise OSError(_EINVAL)
        inflater = self._inflater
        parts = []
        # What an earlier call left over went back to the stream; b"" asks for pending output.
        piece = b""
        while wanted and not inflater.eof:
            try:
                part = inflater.decompress(piece, wanted)
            except zlib.error:
                raise OSError(_EINVAL) from None
            parts.append(part)
            wanted -= len(part)
            rest = inflater.unused_data or inflater.unconsumed_tail
            if rest and len(self._piece) > 1:
                self._stream.seek(-len(rest), 1)
            if wanted and not inflater.eof:
                piece = self._take()
        return b"".join(parts)

    def read(self, nbytes=-1):
        if nbytes >= 0:
            return self._inflate(nbytes)
        parts = []
        while True:
            part = self._inflate(4096)
            if not part:
                return b"".join(parts)
            parts.append(part)

    def readinto(self, buf, nbytes=-1):
        data = self._inflate(len(buf) if nbytes < 0 else nbytes)
        buf[: len(data)] = data
        return len(data)

    def readline(self):
        line = b""
        while not line.endswith(b"\n"):
            byte = self._inflate(1)
            if not byte:
                break
            line += byte
        return line

    def close(self):
        if self._stream is not None and self._close:
            self._stream.close()
        self._stream = None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()
