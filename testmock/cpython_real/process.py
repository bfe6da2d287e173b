"""A profile in real time on CPython: the counterpart of main_micropython() in realtime.py."""

import importlib
import os
import sys
import threading
import time

from testmock import control
from testmock.simworld.program_cpython import ROOT, Program
from testmock.simworld.program_flash import FlashProgram, is_installed

# What is the same in virtual time (sys) is taken from there.
_FOLDERS = tuple(ROOT / "testmock" / name for name in ("cpython_real", "cpython", ".", "virtual"))


class _Files:
    """The device's file system is a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.cwd = "/"

    def path(self, name):
        name = os.path.normpath(os.path.join(self.cwd, name))
        return os.path.join(self.folder, name.lstrip("/"))

    def kind(self, name):
        path = self.path(name)
        if os.path.isfile(path):
            return "file"
        return "folder" if os.path.isdir(path) else None

    def content(self, name):
        if self.kind(name) != "file":
            return None
        with open(self.path(name), "rb") as file:
            return file.read()

    def open(self, name, mode="r", *unused):
        return open(self.path(name), mode)


class _Clock:
    """MicroPython's microsecond counter, for the bench."""

    @staticmethod
    def ticks_us():
        return time.monotonic_ns() // 1_000 & 0x3FFFFFFF

    @staticmethod
    def ticks_diff(a, b):
        return ((a - b + 0x20000000) & 0x3FFFFFFF) - 0x20000000


class _Device:
    """What Program and the shims ask of a device."""

    extra_paths = ()

    def __init__(self, profile, folder, bench):
        self.profile = profile
        self.flash = _Files(folder)
        self.bench = bench
        self.modules = dict

    @staticmethod
    def write_console(text):
        sys.stdout.write(text)
        sys.stdout.flush()


def _write(text):
    sys.stdout.write(text)
    if text.endswith("\n"):
        sys.stdout.flush()


def _exit(status):
    sys.stdout.flush()
    os._exit(status)


def run(profile, folder, code, cause):
    bench = control.prepare(_Clock, folder, cause).bench
    device = _Device(profile, folder, bench)
    installed = is_installed(device.flash)
    program = (FlashProgram if installed else Program)(device, _FOLDERS)
    device.modules = lambda: program.modules
    names = {}
    with open(ROOT / "profiles" / profile / "stage.py", encoding="utf-8") as source:
        exec(source.read(), names)
    names["stage"](bench)
    select = importlib.import_module("testmock.cpython_real.stdin")
    commander = control.Control(bench, _Clock, select, sys.stdin, _write)

    commander.end_by(_exit)
    commander.on_quit = lambda: os._exit(0)
    threading.Thread(target=commander.run, daemon=True).start()
    if installed:
        program.boot()
    else:
        program.run_file("boot")
        program.run_file("main")
