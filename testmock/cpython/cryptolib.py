"""cryptolib, for CPython: AES as MicroPython has it, over the package cryptography.

It asks for no simulated device, so that the PC tools may use it too.
"""

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_BLOCK_BYTES = 16
_ECB = 1
_CBC = 2


class aes:
    """A cipher for one direction, which its first use decides. CBC goes on from call to call."""

    def __init__(self, key, mode, IV=None):
        if mode not in (_ECB, _CBC):
            # MODE_CTR is not compiled in on an ESP32.
            raise ValueError("mode")
        if len(key) not in (16, 32):
            raise ValueError("key")
        if IV is not None and len(IV) != _BLOCK_BYTES:
            raise ValueError("IV")
        if mode == _CBC and IV is None:
            raise ValueError("IV")
        chosen = modes.CBC(bytes(IV)) if mode == _CBC else modes.ECB()
        self._cipher = Cipher(algorithms.AES(bytes(key)), chosen)
        self._direction = None
        self._context = None

    def encrypt(self, in_buf, out_buf=None):
        return self._update("encryptor", in_buf, out_buf)

    def decrypt(self, in_buf, out_buf=None):
        return self._update("decryptor", in_buf, out_buf)

    def _update(self, direction, in_buf, out_buf):
        size = len(in_buf)
        if size % _BLOCK_BYTES:
            raise ValueError("blksize % 16")
        if out_buf is not None:
            if isinstance(out_buf, bytes):
                raise TypeError("object with buffer protocol required")
            if len(out_buf) < size:
                raise ValueError("output too small")
        if self._direction is None:
            self._direction = direction
            self._context = getattr(self._cipher, direction)()
        elif self._direction != direction:
            raise ValueError("can't encrypt & decrypt")
        result = self._context.update(in_buf.encode() if isinstance(in_buf, str) else in_buf)
        if out_buf is None:
            return result
        out_buf[:size] = result
        return out_buf
