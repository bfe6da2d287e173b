"""Modbus RTU: frames and their check. Pure; the line is the caller's.

Sources: MODBUS over Serial Line V1.02, 2.5.1 (frame) and 6.2.2 (CRC); MODBUS Application Protocol
V1.1b3, 6 (functions) and 7 (exceptions).
"""

from micropython import const

_EXCEPTION = const(0x80)
_EXCEPTION_BYTES = const(5)
_LAST_ADDRESS = const(0xF8)  # 0xF8 is reserved; some slaves answer to it whatever theirs is

_POLYNOMIAL = const(0xA001)


def crc16(data, start, end):
    """Of data[start:end]; 0 for a frame that ends with its right check."""
    crc = 0xFFFF
    for i in range(start, end):
        crc ^= data[i]
        for _ in range(8):
            crc = crc >> 1 ^ _POLYNOMIAL if crc & 1 else crc >> 1
    return crc


def request(address, function, *words):
    """A frame for the slave: words are its 16-bit fields."""
    frame = bytearray((address, function))
    for word in words:
        frame.append(word >> 8)
        frame.append(word & 0xFF)
    crc = crc16(frame, 0, len(frame))
    frame.append(crc & 0xFF)
    frame.append(crc >> 8)
    return frame


def find(data, length, function, size):
    """Where the newest answer of size bytes to function begins in data[:length]; None: nowhere.

    What lies around it is noise. OSError with the slave's exception code if it refuses.
    """
    for start in range(length - min(size, _EXCEPTION_BYTES), -1, -1):
        if 0 < data[start] <= _LAST_ADDRESS and data[start + 1] & ~_EXCEPTION == function:
            refused = data[start + 1] != function
            end = start + (_EXCEPTION_BYTES if refused else size)
            if end <= length and not crc16(data, start, end):
                if refused:
                    raise OSError("refused with code %d" % data[start + 2])
                return start
    return None
