"""time on the world's clock. The epoch is 2000-01-01, as on the ESP32."""

import _sim

_world = _sim.device.world
_device = _sim.device
_MASK = (1 << 30) - 1
_HALF = 1 << 29
_DAYS_IN_MONTH = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def ticks_ms():
    _world.spins += 1
    if _world.spins > _world.spin_limit:
        _world.spinning()
    return _world.ticks


def ticks_us():
    # Virtual time has no processor time: a microsecond per reading lets loops over it end.
    _world.spend(1)
    return (_world.now_us + ((1 << 30) - 30_000_000)) & _MASK


def ticks_cpu():
    return ticks_us()


def ticks_diff(a, b):
    return ((a - b + _HALF) & _MASK) - _HALF


def ticks_add(ticks, delta):
    if not -_HALF < delta < _HALF:
        raise OverflowError("ticks interval overflow")
    return (ticks + delta) & _MASK


def sleep_ms(ms):
    _device.sleep_us(ms * 1000 if ms > 0 else 0)


def sleep_us(us):
    # So short that a real one spins instead of letting others run.
    if us > 0:
        _world.spend(us)


def sleep(seconds):
    _device.sleep_us(int(seconds * 1_000_000))


def time():
    bench = _device.bench
    return (_world.now_us - bench.rtc_late_us) // 1_000_000 + bench.rtc_offset_s


def time_ns():
    bench = _device.bench
    return (_world.now_us - bench.rtc_late_us) * 1000 + bench.rtc_offset_s * 1_000_000_000


def mktime(fields):
    year, month, day, hour, minute, second = fields[:6]
    days = day - 1 + _days_before_year(year)
    for m in range(month - 1):
        days += _DAYS_IN_MONTH[m] + (m == 1 and _is_leap(year))
    return ((days * 24 + hour) * 60 + minute) * 60 + second


def gmtime(seconds=None):
    if seconds is None:
        seconds = time()
    days, rest = divmod(int(seconds), 86400)
    weekday = (days + 5) % 7
    year = 2000
    while days >= 365 + _is_leap(year):
        days -= 365 + _is_leap(year)
        year += 1
    yearday = days + 1
    month = 0
    while days >= _DAYS_IN_MONTH[month] + (month == 1 and _is_leap(year)):
        days -= _DAYS_IN_MONTH[month] + (month == 1 and _is_leap(year))
        month += 1
    minutes, second = divmod(rest, 60)
    return (year, month + 1, days + 1, minutes // 60, minutes % 60, second, weekday, yearday)


def localtime(seconds=None):
    return gmtime(seconds)


def _is_leap(year):
    return int(year % 4 == 0 and (year % 100 != 0 or year % 400 == 0))


def _days_before_year(year):
    days = 0
    for y in range(2000, year):
        days += 365 + _is_leap(y)
    return days
