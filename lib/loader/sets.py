"""Which of the file sets /a and /b runs, and what is on trial: /running.txt and /config.old.

Each change is one rename of a whole file, so that a power cut leaves the old or the new state.
"""

import os

_RUNNING = "/running.txt"
_CONFIG = "/config.txt"
_OLD_CONFIG = "/config.old"
_SETS = ("a", "b")


class Running:
    """What /running.txt says: the set, is it on trial, the set to go back to (or None), and what
    the appliance said of its health before the switch."""

    def __init__(self, name, trial=False, previous=None, health="ok"):
        self.name = name
        self.trial = trial
        self.previous = previous
        self.health = health


def other(name):
    return "a" if name == "b" else "b"


def exists(path):
    try:
        os.stat(path)
        return True
    except OSError:
        return False


def is_whole(name):
    """Has everything been written that belongs to this set? Its list comes last."""
    return exists("/%s/set.txt" % name)


def read():
    """Running, or None if there is no set to run."""
    words = []
    try:
        with open(_RUNNING) as file:
            words = file.read(80).split()
    except (OSError, UnicodeError):
        pass
    name = words[0] if words else None
    if name not in _SETS:
        for name in _SETS:
            if is_whole(name):
                return Running(name)
        return None
    previous = words[2] if len(words) > 2 and words[2] == other(name) else None
    trial = words[1:2] == ["trial"] and previous is not None
    return Running(name, trial, previous, words[3] if len(words) > 3 else "ok")


def _write(name, state, previous=None, health=None):
    words = [name, state]
    if previous:
        words.append(previous)
        if health:
            words.append(health)
    replace(_RUNNING, " ".join(words) + "\n")


def replace(path, words):
    """Write words to path: all of them, or none."""
    with open(path + ".new", "w") as file:
        file.write(words)
    os.rename(path + ".new", path)


def start_trial(name, health):
    """At the next boot name runs, and goes back unless it is confirmed."""
    _write(name, "trial", other(name), health)


def confirm(name, previous=None):
    """name is the set to run; previous one that can take over if it fails."""
    _write(name, "confirmed", previous)


def forget_other():
    """The set that does not run is about to change: it cannot take over, nor run next."""
    from loader import verdict

    running = read()
    if running:
        name = verdict.chosen or running.name
        if running.previous or running.name != name:
            confirm(name)


def config_on_trial():
    return exists(_OLD_CONFIG)


def start_config_trial(new):
    """Job: let the file new be config.txt, and keep the present one."""
    # A trial that is still open keeps the copy that was known to be good.
    if exists(_CONFIG) and not config_on_trial():
        with open(_CONFIG, "rb") as source, open(_OLD_CONFIG + ".new", "wb") as copy:
            while True:
                piece = source.read(512)
                if not piece:
                    break
                copy.write(piece)
        yield
        os.rename(_OLD_CONFIG + ".new", _OLD_CONFIG)
        yield
    os.rename(new, _CONFIG)


def confirm_config():
    if config_on_trial():
        os.remove(_OLD_CONFIG)


def go_back():
    """End every trial as failed; words about what that means, or None if there was none."""
    done = []
    running = read()
    if running and running.trial:
        confirm(running.previous)
        done.append("update failed, back to set " + running.previous)
    if config_on_trial():
        os.rename(_OLD_CONFIG, _CONFIG)
        done.append("new config.txt failed, back to the old one")
    return ", ".join(done) or None
