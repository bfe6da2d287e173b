"""What a device can tell about itself: last words, faults, versions, the cause of its reset."""

import gc
import io
import sys

import machine
from micropython import const

from epx import log, loop
from epx.nvram import Nvram
from loader import verdict

VERSION = "0.1.0"

_REBOOT_FILE = const("reboot.txt")

_LONGEST = const(2000)  # bytes of a traceback that are kept
_MEMORY_ERRORS = const(2)  # one more within the time below: give up
_MEMORY_WINDOW_S = const(600)

# Of machine.PWRON_RESET and the constants that follow it.
_CAUSES = const(("power-on", "hard reset", "watchdog", "deep sleep", "soft reset"))

is_young = True  # this boot has not failed once its first minute is over; see epx.sleeper
faults = 0  # exceptions of the appliance's own callbacks since boot
_memory_errors_s = [-_MEMORY_WINDOW_S] * _MEMORY_ERRORS  # when the last ones were

# callback() of each saves what must survive, quickly; what it returns is added to the reason.
before_reboot = []
# Called before the reset that a failure leads to: a sleeper sleeps instead, see epx.sleeper.
after_failure = None


def ended_well(count=0):
    """Tell the loader that this boot has not failed; or, with verdict.FAILED, that it has."""
    Nvram("loader").set_int("boots", count)


def reboot(reason, failed=False):
    """Leave reason in reboot.txt and reset. Does not return. What failed on trial goes back."""
    log.error("reboot: %s", reason)
    keep(_REBOOT_FILE, reason + save())
    if failed == verdict.trial:
        ended_well(verdict.FAILED if failed else 0)
    if failed and after_failure:
        after_failure()
    machine.reset()


def save():
    """Call all of before_reboot -> what they add to the reason."""
    words = ""
    for callback in before_reboot:
        try:
            more = callback()
            if more:
                words += ", " + more
        except Exception as error:
            log.error("before reboot: %s", error)
    return words


def last_words(name, most=_LONGEST):
    """What the file name says about the run before, at most so many characters, or None."""
    try:
        with open(name) as file:
            return file.read(most)
    except (OSError, UnicodeError):
        return None


def keep(name, words):
    """Write words to the file name, unless they are there already: flash wears."""
    # No more than needed: this may be called for want of memory.
    if last_words(name, len(words) + 1) != words:
        try:
            with open(name, "w") as file:
                file.write(words)
        except OSError as error:
            log.error("%s: %s", name, error)


def forget(package, leaf):
    """Give back the memory of a module."""
    if sys.modules.pop(package + "." + leaf, None):
        delattr(sys.modules[package], leaf)


def traceback(error):
    """Its text, the end of it if it is too long."""
    out = io.StringIO()
    sys.print_exception(error, out)
    return out.getvalue()[-_LONGEST:]


def handle_fault(owner, error):
    """For the loop: the appliance's faults are logged, counted, survived; ours end in a reboot.

    So does every fault of a program on trial.
    """
    global faults
    if isinstance(error, MemoryError):
        return _out_of_memory()
    if owner.core or verdict.trial:
        core_fault(error)
    faults += 1
    try:
        for line in traceback(error).split("\n")[-6:]:
            if line:
                log.error("%s", line)
    except MemoryError:
        _out_of_memory()
    return True


def core_fault(error):
    """Our own code failed: leave the traceback in exception.txt and reboot."""
    try:
        keep("exception.txt", traceback(error))
        reason = "exception: %s %s" % (type(error).__name__, error)
    except MemoryError:
        gc.collect()
        reason = "exception, and no memory to tell which"
    reboot(reason, True)


def _out_of_memory():
    gc.collect()
    log.out_of_memory()
    now_s = loop.uptime_s()
    since_s = now_s - _memory_errors_s.pop(0)  # before the other is appended: it needs no room
    _memory_errors_s.append(now_s)
    if since_s < _MEMORY_WINDOW_S:
        reboot("out of memory", True)
    return True


def _each_minute():
    global is_young
    gc.collect()
    if is_young:
        is_young = False
        if not verdict.trial:
            ended_well()


def start():
    """Be the loop's fault handler, collect garbage every minute, say how we came here."""
    loop.fault_handler = handle_fault
    loop.Task(_each_minute, 60000, 60000, tolerance_ms=10000, core=True)
    log.info("epx %s, MicroPython %d.%d.%d", VERSION, *sys.implementation.version[:3])
    words = last_words(_REBOOT_FILE)
    cause = machine.reset_cause()
    cause = _CAUSES[cause - 1] if 1 <= cause <= len(_CAUSES) else "cause %d" % cause
    log.info("reset by %s%s", cause, ", last reboot: " + words if words else "")
