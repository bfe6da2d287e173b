"""A folder as the whole file system of a program on MicroPython in real time; see realtime.py."""

import os

import vfs


class Root:
    """A folder of this computer as the root of the device. VfsPosix alone cannot rename there: the
    second name overwrites the first (seen with 1.25)."""

    def __init__(self, folder):
        self._host = vfs.VfsPosix()
        self._folder = folder
        root = vfs.VfsPosix(folder)
        self.open = root.open
        self.stat = root.stat
        self.statvfs = root.statvfs
        self.ilistdir = root.ilistdir
        self.mkdir = root.mkdir
        self.remove = root.remove
        self.rmdir = root.rmdir
        self.chdir = root.chdir
        self.getcwd = root.getcwd

    def mount(self, readonly, mkfs):
        pass

    def rename(self, old, new):
        self._host.rename(self._there(old), self._there(new))

    def _there(self, path):
        return self._folder + path if path[:1] == "/" else path


def mount(folder):
    """From now on / is folder, and what was / is /pc."""
    vfs.umount("/")
    vfs.mount(Root(folder), "/")
    vfs.mount(vfs.VfsPosix("/"), "/pc")


def boot():
    """As the port does: boot.py, then main.py, as one program."""
    names = {"__name__": "__main__"}
    for name in ("boot.py", "main.py"):
        if name in os.listdir("/"):
            with open("/" + name) as file:
                code = compile(file.read(), name, "exec")
            exec(code, names)
