"""A PZEM-004T V3 behind a UART: a Modbus slave that measures what it is told to measure."""

_READ_HOLDING = 0x03
_READ_INPUT = 0x04
_WRITE_SINGLE = 0x06
_RESET_ENERGY = 0x42
_EXCEPTION = 0x80

_ILLEGAL_FUNCTION = 1
_ILLEGAL_ADDRESS = 2
_ILLEGAL_DATA = 3
_ANY_ADDRESS = 0xF8
_COUNTER_END_WH = 10_000_000


def with_crc(frame):
    """The frame and its check, by the definition: bit by bit."""
    crc = 0xFFFF
    for byte in frame:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return bytes(frame) + bytes((crc & 0xFF, crc >> 8))


class PZEM004T:
    """v, a, w, hz, pf are what the mains do. Energy is counted while time passes.

    now_us is a function that tells the time in microseconds: the bench's clock. present: False
    while it has no mains. failing: it is deaf. deaf_to: functions that it does not hear.
    noise: bytes before each answer, tail: after it. flips: so many answers come with a wrong bit.
    answer_us: from the request's last bit to the answer's first one.
    """

    def __init__(self, now_us):
        self._now_us = now_us
        self.present = True
        self.failing = False
        self.deaf_to = ()
        self.noise = self.tail = b""
        self.flips = 0
        self.answer_us = 20000
        self.v, self.a, self.hz, self.pf = 220.0, 4.0, 50.0, 1.0
        self.alarm_w = 23000
        self.address = 1
        self.resets = self.alarm_writes = 0
        self.requests = []
        self._counted = 0  # microwatthours times 3.6
        self._since_us = 0
        self._w = 0.0
        self.w = 880.0

    @property
    def w(self):
        return self._w

    @w.setter
    def w(self, watts):
        self._count()
        self._w = watts

    @property
    def wh(self):
        self._count()
        return self._counted // 3_600_000_000 % _COUNTER_END_WH

    @wh.setter
    def wh(self, wh):
        self._count()
        self._counted = int(wh) * 3_600_000_000

    def _count(self):
        now_us = self._now_us()
        if self.present:
            self._counted += int((now_us - self._since_us) * self._w)
        self._since_us = now_us

    def uart_write(self, data):
        if not self.present or self.failing:
            return None
        if len(data) < 4 or with_crc(data[:-2]) != data or data[1] in self.deaf_to:
            return None
        if data[0] not in (self.address, _ANY_ADDRESS):
            return None
        self.requests.append(data)
        body = self._obey(data[1], data[2:-2])
        if isinstance(body, int):
            answer = with_crc((data[0], data[1] | _EXCEPTION, body))
        else:
            answer = with_crc(bytes((data[0], data[1])) + body)
        if self.flips:
            self.flips -= 1
            answer = answer[:-3] + bytes((answer[-3] ^ 0x10,)) + answer[-2:]
        return self.noise + answer + self.tail

    def _obey(self, function, body):
        """What comes between function and check, or the code of an exception."""
        if function == _RESET_ENERGY:
            self.wh = 0
            self.resets += 1
            return b""
        if function not in (_READ_HOLDING, _READ_INPUT, _WRITE_SINGLE):
            return _ILLEGAL_FUNCTION
        if len(body) != 4:
            return _ILLEGAL_DATA
        first = body[0] << 8 | body[1]
        value = body[2] << 8 | body[3]
        if function == _WRITE_SINGLE:
            return self._write(first, value, body)
        registers = self.inputs() if function == _READ_INPUT else [0, self.alarm_w, self.address]
        least = 0 if function == _READ_INPUT else 1
        if not (least <= first and 1 <= value and first + value <= len(registers)):
            return _ILLEGAL_ADDRESS
        answer = bytearray((2 * value,))
        for word in registers[first : first + value]:
            answer.append(word >> 8)
            answer.append(word & 0xFF)
        return bytes(answer)

    def _write(self, register, value, body):
        if register == 1:
            self.alarm_w = value
            self.alarm_writes += 1
        elif register == 2 and 1 <= value <= 0xF7:
            self.address = value
        else:
            return _ILLEGAL_ADDRESS if register > 2 or not register else _ILLEGAL_DATA
        return body

    def inputs(self):
        """The ten input registers; long ones with their lower half first."""
        ma = int(self.a * 1000 + 0.5)
        dw = int(self.w * 10 + 0.5)
        wh = self.wh
        return [
            int(self.v * 10 + 0.5),
            ma & 0xFFFF,
            ma >> 16,
            dw & 0xFFFF,
            dw >> 16,
            wh & 0xFFFF,
            wh >> 16,
            int(self.hz * 10 + 0.5),
            int(self.pf * 100 + 0.5),
            0xFFFF if self.w > self.alarm_w else 0,
        ]
