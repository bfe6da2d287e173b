"""sys, as a program on the ESP32 sees it."""

import _sim

_device = _sim.device
_host = _sim.host_sys

implementation = _host.implementation
byteorder = "little"
maxsize = 0x7FFFFFFF
modules = _device.modules()
path = ["", ".frozen", "/lib"]
platform = "esp32"
version = "3.4.0; MicroPython v1.25.0"
version_info = (3, 4, 0)
argv = []


class _Console:
    """stdout: its lines are kept by the device."""

    def write(self, text):
        _device.write_console(text if isinstance(text, str) else bytes(text).decode())
        return len(text)


class _Keyboard:
    """stdin: nobody types."""

    _pollers = ()

    def read(self, n=1):
        return ""


stdout = _Console()
stderr = stdout
stdin = _Keyboard()


def print_exception(exc, file=stdout):
    file.write(_sim.format_exception(exc))


def exit(code=0):
    raise SystemExit(code)
