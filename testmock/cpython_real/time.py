"""time for a device program that runs on CPython in real time."""

import _sim

_host = _sim.import_module("time")

_MASK = 0x3FFFFFFF
_HALF = 0x20000000
# Seconds between 1970 and 2000, where the ESP32's epoch begins.
_EPOCH_S = 946_684_800

sleep = _host.sleep
gmtime = localtime = _host.gmtime


def ticks_ms():
    return _host.monotonic_ns() // 1_000_000 & _MASK


def ticks_us():
    return _host.monotonic_ns() // 1000 & _MASK


ticks_cpu = ticks_us


def ticks_diff(a, b):
    return ((a - b + _HALF) & _MASK) - _HALF


def ticks_add(ticks, delta):
    return (ticks + delta) & _MASK


def sleep_ms(ms):
    if ms > 0:
        _host.sleep(ms / 1000)


def sleep_us(us):
    if us > 0:
        _host.sleep(us / 1_000_000)


def time():
    return int(_host.time()) - _EPOCH_S


def time_ns():
    return _host.time_ns() - _EPOCH_S * 1_000_000_000
