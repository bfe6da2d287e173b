"""The loader: safe outputs, which file set runs, and what happens when it does not run.

A boot counts as failed when the program crashes or hangs within 60 s: an exception, or the
watchdog. Three in a row lead to the other set if that was confirmed once, else to the rescue
program. A set or a config.txt on trial goes back after a crash, a hang, or three boots. The count
is the integer boots of the NVRAM namespace loader: one is added here at each boot, the program
sets it to 0 when the time is over, before an orderly reboot, and when it is confirmed.
"""

import io
import sys
import time

import machine
from esp32 import NVS
from machine import PWRON_RESET, WDT_RESET, Pin
from micropython import const

from loader import sets, verdict

_MOST_BOOTS = const(3)
_TRIAL_LIMIT_MS = const(60000)  # of the watchdog, while the program is being loaded
_RESCUE_PAUSE_S = const(60)
_MOST_WORDS = const(2000)


class Boots:
    """The count of boots that have not ended well yet."""

    def __init__(self):
        self._nvs = NVS("loader")
        try:
            self.count = self._nvs.get_i32("boots")
        except OSError:
            self.count = 0

    def set(self, count):
        if count != self.count:
            self.count = count
            self._nvs.set_i32("boots", count)
            self._nvs.commit()


def boot():
    """What the board's boot.py does. An exception would keep main.py from running: none leaves."""
    try:
        _set_pins()
    except Exception as error:
        print("loader: pins.txt:", error)
    try:
        _choose()
        if verdict.trial:
            # Whatever config.txt says: the program of a trial may hang in its first line.
            machine.WDT(timeout=_TRIAL_LIMIT_MS)
        if verdict.chosen and sets.exists("/%s/boot.py" % verdict.chosen):
            __import__("boot")
    except Exception as error:
        crashed(error)


def program():
    """The name of the module to run. The loader's own modules are forgotten: they take heap."""
    package = sys.modules["loader"]
    for leaf in ("start", "sets"):
        if sys.modules.pop("loader." + leaf, None):
            delattr(package, leaf)
    return "main" if verdict.chosen else "loader.rescue"


def interrupted():
    """Somebody is at the bench."""
    Boots().set(0)


def crashed(error):
    """The program ended: say why, and start again; the next boot decides what runs then."""
    try:
        text = io.StringIO()
        sys.print_exception(error, text)
        words = text.getvalue()[-_MOST_WORDS:]
        print(words)
        _leave("/exception.txt", words)
        _leave("/reboot.txt", "exception: %s %s" % (type(error).__name__, error))
        if verdict.trial:
            Boots().set(verdict.FAILED)
        elif not verdict.chosen:
            time.sleep(_RESCUE_PAUSE_S)
    finally:  # even without memory
        machine.reset()


def _set_pins():
    """Drive the outputs as /pins.txt says: PIN LEVEL [NAMESPACE KEY]."""
    try:
        file = open("/pins.txt")
    except OSError:
        return
    with file:
        for line in file:
            try:
                _set_pin(line.split())
            except Exception as error:  # the other outputs count no less
                print("loader: pins.txt:", error)


def _set_pin(words):
    if len(words) in (2, 4) and words[0].isdigit():
        level = int(words[1])
        if len(words) == 4 and _kept(words[2], words[3]):
            level = 1 - level
        Pin(int(words[0]), Pin.OUT, value=level)


def _kept(namespace, key):
    """Was this output on when the power went?"""
    try:
        return NVS(namespace).get_i32(key) == 1
    except OSError:
        return False


def _choose():
    """Decide what runs at this boot, and prepare the imports for it."""
    boots = Boots()
    running = sets.read()
    cause = machine.reset_cause()
    if (running and running.trial) or sets.config_on_trial():
        if boots.count >= _MOST_BOOTS or (boots.count and cause == WDT_RESET):
            _go_back(boots, cause)
            running = sets.read()
    else:
        if cause == PWRON_RESET and boots.count:
            boots.set(boots.count - 1)  # what ended that boot was the power
        if boots.count >= _MOST_BOOTS:
            running = _lead_on(running, boots, cause)
    if not running:
        sys.path.insert(0, "/loader/lib")
        return
    boots.set(boots.count + 1)
    verdict.chosen = running.name
    verdict.trial = running.trial or sets.config_on_trial()
    sys.path.insert(0, "/" + running.name)
    sys.path.insert(1, "/%s/lib" % running.name)


def _go_back(boots, cause):
    """What is on trial has failed."""
    why = _why(cause)
    if boots.count == _MOST_BOOTS and cause != WDT_RESET:
        why = "not confirmed in three boots"
    boots.set(0)  # first: whatever comes next may be cut off, and is tried again then
    _leave("/reboot.txt", "%s: %s" % (sets.go_back(), why))


def _lead_on(running, boots, cause):
    """The set does not run any more: the other one, or None."""
    why = _why(cause)
    if not running or not running.previous:
        _leave("/reboot.txt", "no set runs: " + why)
        return None
    boots.set(0)
    sets.confirm(running.previous)
    words = "set %s failed three times, now set %s runs: %s"
    _leave("/reboot.txt", words % (running.name, running.previous, why))
    return sets.read()


def _why(cause):
    """How the boot before ended."""
    return "it hung" if cause == WDT_RESET else _read("/reboot.txt") or "unknown"


def _read(name):
    try:
        with open(name) as file:
            return file.read(_MOST_WORDS)
    except (OSError, UnicodeError):
        return None


def _leave(name, words):
    try:
        if _read(name) != words:
            with open(name, "w") as file:
                file.write(words)
    except OSError as error:
        print("loader:", name, error)
