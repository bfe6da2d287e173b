"""Runs a profile in real time: real sockets, files and threads, simulated hardware only.

    micropython -m testmock.realtime PROFILE FOLDER CODE [CAUSE]
    python3 -m testmock.realtime PROFILE FOLDER CODE [CAUSE]

FOLDER is the device's file system (config.txt is there already), CODE the folder that holds
profiles/, lib/ and testmock/, CAUSE the reset cause. If FOLDER has a boot.py, the program is what
is installed there, and sees nothing else; only the simulated hardware comes from CODE then. The
program ends with status 42 when the device resets: start it again.

Commands on stdin: "set PART.ATTRIBUTE VALUE", "call PART.METHOD VALUE", "input PIN LEVEL",
"state", "quit"; PART is a name of stage.py, or wifi, ethernet. Lines on stdout that begin with
"#! " are JSON: what has changed (pins, wifi, picture of the display in hex), resets, errors.
"""

import sys

from testmock import control


class Root:
    """A folder of this computer as the root of the device. VfsPosix alone cannot rename there: the
    second name overwrites the first (seen with 1.25)."""

    def __init__(self, vfs, folder):
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


def exists(os, path):
    try:
        os.stat(path)
        return True
    except OSError:
        return False


def main_micropython(profile, folder, code, cause):
    import _thread
    import gc
    import os
    import select
    import time

    installed = exists(os, folder + "/boot.py")
    here = os.getcwd()
    folder = folder if folder[0] == "/" else here + "/" + folder
    code = code if code[0] == "/" else here + "/" + code
    if installed:
        mount(folder)
        # The rest of this computer is below /pc, for the mocks.
        code = "/pc" + code
        sys.modules["testmock"].__path__ = code + "/testmock"
    sim = control.prepare(time, ("/pc" if installed else "") + folder, cause)
    sys.modules["_sim"] = sim
    sys.path[:] = [code + "/profiles/" + profile, code + "/lib", code + "/testmock", code]
    for name in ("machine", "network", "esp32"):
        sys.modules[name] = __import__(name)
    __import__("stage").stage(sim.bench)
    commander = control.Control(sim.bench, time, select, sys.stdin, sys.stdout.write)

    def on_reset(reset_cause):
        commander.say("reset", reset_cause)
        raise SystemExit(control.RESET_STATUS)

    sim.bench.on_reset = on_reset
    os.chdir("/" if installed else folder)
    gc.collect()
    _thread.start_new_thread(commander.run, ())
    if installed:
        sys.path[:] = ["", ".frozen", "/lib"]
        boot_from_flash(os)
        return
    for name in ("boot", "main"):
        if exists(os, "%s/profiles/%s/%s.py" % (code, profile, name)):
            __import__(name)


def mount(folder):
    """From now on / is folder, and what was / is /pc."""
    import vfs

    vfs.umount("/")
    vfs.mount(Root(vfs, folder), "/")
    vfs.mount(vfs.VfsPosix("/"), "/pc")


def boot_from_flash(os):
    """As the port does: boot.py, then main.py, as one program."""
    names = {"__name__": "__main__"}
    for name in ("boot.py", "main.py"):
        if exists(os, "/" + name):
            with open("/" + name) as file:
                code = compile(file.read(), name, "exec")
            exec(code, names)


def main_cpython(profile, folder, code, cause):
    from testmock.cpython_real.process import run

    run(profile, folder, code, cause)


if __name__ == "__main__":
    _arguments = sys.argv[1:]
    _cause = int(_arguments[3]) if len(_arguments) > 3 else 1
    _main = main_micropython if sys.implementation.name == "micropython" else main_cpython
    _main(_arguments[0], _arguments[1], _arguments[2], _cause)
