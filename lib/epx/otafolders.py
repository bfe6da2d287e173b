"""Whole folders of an update: what lies in the way goes."""

import os

from micropython import const

from epx.otafiles import read_files
from epx.otawire import Refusal
from loader import verdict

_FOLDER = const(0x4000)


def check_no_trial():
    """The set that would be changed is the one to go back to."""
    if verdict.trial:
        from loader import sets

        running = sets.read()
        if running and running.trial and running.name == verdict.chosen:
            raise Refusal("on trial", "set %s has to be confirmed first" % verdict.chosen)


def paths(name):
    """All that a list names."""
    return {path for path, _, _ in read_files(name)}


def kind(path):
    """0x4000 for a folder, 0x8000 for a file, 0 if there is nothing."""
    try:
        return os.stat(path)[0]
    except OSError:
        return 0


def make_folders(path):
    """Those that path, which begins with /, lies in."""
    at = path.find("/", 1)
    while at > 0:
        if not kind(path[:at]):
            os.mkdir(path[:at])
        at = path.find("/", at + 1)


def clean(folder, below, wanted):
    """Job: remove what is in folder + below, but not what is wanted, nor new/."""
    for entry in list(os.ilistdir((folder + below)[:-1])):
        yield
        path = below + entry[0]
        if path == "new":
            continue
        if entry[1] == _FOLDER:
            yield from clean(folder, path + "/", wanted)
            if not os.listdir(folder + path):
                os.rmdir(folder + path)
        elif path not in wanted:
            os.remove(folder + path)
