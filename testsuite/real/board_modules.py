"""Runs on the board of board.py before anything else: the modules of an ESP32's MicroPython that
the WebAssembly build lacks. There is no network, nothing is wired to the pins, nothing is stored
but the integers of the NVRAM. A program's waiting is where Ctrl-C reaches it."""

import os
import sys
import time

import _board

os.uname = lambda: ("esp32", "board", "1.27.0", "1.27.0", "ESP32 in WebAssembly")
sys.modules["uos"] = os


def _sleep_ms(ms):
    what = _board.wait(ms)
    if what == 1:
        raise KeyboardInterrupt
    if what == 2:
        raise SystemExit


time.sleep_ms = _sleep_ms
time.sleep = lambda s: _sleep_ms(int(s * 1000))


def _module(name, **members):
    """A class is as good: MicroPython makes no module objects for us."""
    sys.modules[name] = type(name, (), members)


class _Absent:
    """Hardware that does not answer."""

    def __init__(self, *args, **kwargs):
        pass

    def __getattr__(self, name):
        return self._fail

    def _fail(self, *args, **kwargs):
        raise OSError(19)  # ENODEV


class _Pin:
    IN, OUT, OPEN_DRAIN, PULL_UP, PULL_DOWN = 1, 3, 7, 2, 1
    IRQ_RISING, IRQ_FALLING = 1, 2

    def __init__(self, number, mode=-1, pull=-1, value=None):
        if mode == self.OUT and value is not None:
            _board.pin(number, value)

    def __call__(self, level=None):
        return 0 if level is None else None

    value = __call__

    def irq(self, handler=None, trigger=3):
        pass

    def on(self):
        pass

    off = on


class _WDT:
    def __init__(self, id=0, timeout=5000):
        _board.arm(timeout)

    def feed(self):
        _board.feed()


def _reset():
    _board.reset("machine.reset()")
    raise SystemExit


class _NVS:
    def __init__(self, namespace):
        self._namespace = namespace

    def get_i32(self, key):
        value = _board.nvsGet(self._namespace, key)
        if value is None:
            raise OSError(-0x1102)  # ESP_ERR_NVS_NOT_FOUND
        return int(value)

    def set_i32(self, key, value):
        _board.nvsSet(self._namespace, key, value)

    def get_blob(self, key, buffer):
        raise OSError(-0x1102)

    set_blob = erase_key = get_blob

    def commit(self):
        pass


class _Poll:
    def register(self, stream, events):
        pass

    modify = unregister = register

    def ipoll(self, timeout_ms=-1):
        time.sleep_ms(timeout_ms if timeout_ms >= 0 else 3600000)
        return iter(())


_module(
    "machine",
    PWRON_RESET=1,
    HARD_RESET=2,
    WDT_RESET=3,
    DEEPSLEEP_RESET=4,
    SOFT_RESET=5,
    Pin=_Pin,
    I2C=_Absent,
    WDT=_WDT,
    reset=_reset,
    reset_cause=_board.resetCause,
    unique_id=lambda: b"\x24\x0a\xc4\x00\x00\x01",
    freq=lambda *hertz: 160000000,
)
_module("esp32", NVS=_NVS, Partition=_Absent)
_module("select", POLLIN=1, POLLOUT=4, POLLERR=8, POLLHUP=16, poll=_Poll)
_module("socket", socket=_Absent, AF_INET=2, SOCK_STREAM=1, SOL_SOCKET=1, SO_REUSEADDR=4)
_module("network", WLAN=_Absent, LAN=_Absent, STA_IF=0, AP_IF=1)
_module("_thread", allocate_lock=_Absent, start_new_thread=_Absent)
_module("cryptolib", aes=_Absent)
