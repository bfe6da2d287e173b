"""os over the folder that is the device's file system."""

import _sim

_host = _sim.import_module("os")
_flash = _sim.device.flash
_path = _flash.path

sep = "/"
urandom = _host.urandom


def chdir(path):
    if not _host.path.isdir(_path(path)):
        raise OSError(2)
    _flash.cwd = _host.path.normpath(_host.path.join(_flash.cwd, path))


def getcwd():
    return _flash.cwd


def listdir(path="."):
    return sorted(_host.listdir(_path(path)))


def ilistdir(path="."):
    for entry in sorted(_host.scandir(_path(path)), key=lambda entry: entry.name):
        yield (entry.name, 0x4000 if entry.is_dir() else 0x8000, 0, entry.stat().st_size)


def stat(path):
    found = _host.stat(_path(path))
    return (found.st_mode & 0xF000, 0, 0, 0, 0, 0, found.st_size, 0, int(found.st_mtime), 0)


def statvfs(path):
    return (4096, 4096, 512, 256, 256, 0, 0, 0, 0, 255)


def rename(old, new):
    _host.replace(_path(old), _path(new))


def remove(path):
    _host.remove(_path(path))


unlink = remove


def mkdir(path):
    _host.mkdir(_path(path))


def rmdir(path):
    _host.rmdir(_path(path))


def sync():
    pass


def uname():
    return ("esp32", "esp32", "1.25.0", "v1.25.0 (simulated)", "Generic ESP32 module with ESP32")
