"""os, over the flash of the simulated device."""

import _sim

_device = _sim.device
_flash = _device.flash

listdir = _flash.listdir
ilistdir = _flash.ilistdir
stat = _flash.stat
statvfs = _flash.statvfs
rename = _flash.rename
remove = _flash.remove
unlink = _flash.remove
mkdir = _flash.mkdir
rmdir = _flash.rmdir
chdir = _flash.chdir
getcwd = _flash.getcwd

sep = "/"


def sync():
    pass


def uname():
    return ("esp32", "esp32", "1.25.0", "v1.25.0 (simulated)", "Generic ESP32 module with ESP32")


def urandom(n):
    return bytes([_device.random.below(256) for _ in range(n)])
