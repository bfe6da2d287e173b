"""machine, as the ESP32 port has it: processor, pins and buses. The hardware is on _sim.bench."""

import _sim
from micropython import const

_bench = _sim.bench

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5

# Bit times per byte on an I2C bus: eight and the acknowledge.
_BITS_PER_BYTE = const(9)
_ENODEV = const(19)
_ETIMEDOUT = const(110)


def reset():
    _bench.reset(HARD_RESET)


def reset_cause():
    return _bench.cause


def unique_id():
    return _bench.unique_id


def freq(hz=None):
    if hz is None:
        return _bench.frequency_hz
    if hz not in (20_000_000, 40_000_000, 80_000_000, 160_000_000, 240_000_000):
        raise ValueError("frequency must be 20MHz, 40MHz, 80Mhz, 160MHz or 240MHz")
    _bench.frequency_hz = hz


def __getattr__(name):
    """What few devices need."""
    if name == "Counter":
        # Taken out by bench.has_counter; MicroPython hands on what is raised here as it is.
        raise ImportError("can't import name Counter")
    return getattr(_sim.load("analog" if name == "ADC" else "machine_rare"), name)


class Pin:
    IN = 1
    OUT = 3
    OPEN_DRAIN = 7
    PULL_DOWN = 1
    PULL_UP = 2
    IRQ_RISING = 1
    IRQ_FALLING = 2
    WAKE_LOW = 4
    WAKE_HIGH = 5
    DRIVE_0 = 0
    DRIVE_1 = 1
    DRIVE_2 = 2
    DRIVE_3 = 3

    def __init__(self, id, mode=-1, pull=-1, *, value=None, drive=None, hold=None):
        if not 0 <= id <= 39 or id in (20, 24, 28, 29, 30, 31):
            raise ValueError("invalid pin")
        self._state = _bench.pin(id)
        self.init(mode, pull, value=value, drive=drive, hold=hold)

    def init(self, mode=-1, pull=-1, *, value=None, drive=None, hold=None):
        state = self._state
        if mode == Pin.OUT and state.number >= 34:
            raise ValueError("pin can only be input")
        if value is not None:
            state.write(value)
        if mode != -1:
            state.set_mode(mode)
        if pull != -1:
            state.pull = pull
        if hold is not None:
            state.hold(hold)

    def value(self, x=None):
        if x is None:
            if self._state.signal is not None:
                _bench.clock.spend_us(_bench.pin_read_us)
            return self._state.level()
        self._state.write(x)

    def __call__(self, x=None):
        return self.value(x)

    def on(self):
        self._state.write(1)

    def off(self):
        self._state.write(0)

    def irq(self, handler=None, trigger=3, wake=None, hard=False):
        _bench.attach_interrupt(self._state, handler, trigger, self)

    def __repr__(self):
        return "Pin(%d)" % self._state.number


class I2C:
    """A hardware bus. Each transfer moves the clock by the time that the bits take."""

    def __init__(self, id, *, scl=None, sda=None, freq=400_000, timeout=50_000):
        if id not in (0, 1):
            raise ValueError("I2C(%s) doesn't exist" % id)
        self._setup(id, freq)

    def _setup(self, bus, freq):
        self._models = _bench.buses.setdefault(bus, {})
        self._freq = freq

    def _transfer(self, addr, n):
        """Charge the time for the address and n bytes; the model, or OSError."""
        model = self._models.get(addr)
        present = model is not None and model.present
        n = n + 1 if present else 1
        _bench.clock.spend_us((n * _BITS_PER_BYTE * 1_000_000 + self._freq - 1) // self._freq)
        if not present:
            raise OSError(_ENODEV)
        if model.failing:
            raise OSError(_ETIMEDOUT)
        return model

    def scan(self):
        found = []
        for address in range(0x08, 0x78):
            model = self._models.get(address)
            if model is not None and model.present and not model.failing:
                found.append(address)
        return found

    def writeto(self, addr, buf, stop=True):
        n = len(buf)
        self._transfer(addr, n).i2c_write(bytes(buf))
        return n

    def writevto(self, addr, vector, stop=True):
        data = b"".join([bytes(part) for part in vector])
        return self.writeto(addr, data)

    def readfrom(self, addr, nbytes, stop=True):
        return self._transfer(addr, nbytes).i2c_read(nbytes)

    def readfrom_into(self, addr, buf, stop=True):
        buf[:] = self.readfrom(addr, len(buf))

    def writeto_mem(self, addr, memaddr, buf, *, addrsize=8):
        self.writeto(addr, memaddr.to_bytes(addrsize // 8, "big") + bytes(buf))

    def readfrom_mem(self, addr, memaddr, nbytes, *, addrsize=8):
        self.writeto(addr, memaddr.to_bytes(addrsize // 8, "big"))
        return self.readfrom(addr, nbytes)

    def readfrom_mem_into(self, addr, memaddr, buf, *, addrsize=8):
        buf[:] = self.readfrom_mem(addr, memaddr, len(buf), addrsize=addrsize)


class Counter:
    """The pulse counter unit."""

    RISING = 1
    FALLING = 2
    UP = 1
    DOWN = 2

    def __init__(self, id, src=None, *, edge=1, direction=1, filter_ns=0):
        if src is not None:
            self.init(src, edge=edge, direction=direction, filter_ns=filter_ns)

    def init(self, src, *, edge=1, direction=1, filter_ns=0):
        self._source = src._state.source
        self._offset = -self._count()
        src._state.filter_ns = filter_ns

    def _count(self):
        return self._source.count_at(_bench.clock.now_us()) if self._source else 0

    def value(self, value=None):
        count = self._count() + self._offset
        if value is not None:
            self._offset += value - count
        return count

    def deinit(self):
        self._source = None


class WDT:
    """The watchdog: nothing but a reset stops it once it runs."""

    def __init__(self, id=0, timeout=5000):
        if id != 0:
            raise ValueError("invalid WDT id")
        if timeout < 1:
            raise ValueError("WDT timeout too short")
        _bench.start_watchdog(timeout)

    def feed(self):
        _bench.feed()
