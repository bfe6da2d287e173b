"""What a device can tell about itself: last words, faults, versions, the cause of its reset."""

import gc
import io
import sys

import machine
from micropython import const

from epx import log, loop
from epx.clock import MINUTES

VERSION = "0.1.0"
REBOOT_FILE = "reboot.txt"
EXCEPTION_FILE = "exception.txt"

_LONGEST = const(2000)  # bytes of a traceback that are kept
_MEMORY_ERRORS = const(3)  # within the time below: give up
_MEMORY_WINDOW_S = const(600)

_CAUSES = (
    ("power-on", "PWRON_RESET"),
    ("hard reset", "HARD_RESET"),
    ("watchdog", "WDT_RESET"),
    ("deep sleep", "DEEPSLEEP_RESET"),
    ("soft reset", "SOFT_RESET"),
)

faults = 0  # exceptions of the appliance's own callbacks since boot
_memory_errors = 0
_memory_since_s = 0
_before_reboot = []


def reset_cause():
    cause = machine.reset_cause()
    for name, constant in _CAUSES:
        if getattr(machine, constant, None) == cause:
            return name
    return "cause %d" % cause


def before_reboot(callback):
    """callback() saves what must survive, quickly; what it returns is added to the reason."""
    _before_reboot.append(callback)


def reboot(reason):
    """Leave reason in reboot.txt and reset. Does not return."""
    log.error("reboot: %s", reason)
    for callback in _before_reboot:
        try:
            more = callback()
            if more:
                reason += ", " + more
        except Exception as error:
            log.error("before reboot: %s", error)
    keep(REBOOT_FILE, reason)
    machine.reset()


def last_words(name):
    """What the file name says about the run before, or None."""
    try:
        with open(name) as file:
            return file.read(_LONGEST)
    except (OSError, UnicodeError):
        return None


def keep(name, words):
    """Write words to the file name, unless they are there already: flash wears."""
    if last_words(name) != words:
        try:
            with open(name, "w") as file:
                file.write(words)
        except OSError as error:
            log.error("%s: %s", name, error)


def traceback(error):
    """The traceback as text, its end if it is too long."""
    out = io.StringIO()
    sys.print_exception(error, out)
    return out.getvalue()[-_LONGEST:]


def handle_fault(owner, error):
    """For the loop: the appliance's faults are logged, counted, survived; ours end in a reboot."""
    global faults
    if isinstance(error, MemoryError):
        return _out_of_memory()
    if owner.core:
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
        keep(EXCEPTION_FILE, traceback(error))
        reason = "exception: %s %s" % (type(error).__name__, error)
    except MemoryError:
        gc.collect()
        reason = "exception, and no memory to tell which"
    reboot(reason)


def _out_of_memory():
    global _memory_errors, _memory_since_s
    gc.collect()
    log.out_of_memory()
    if loop.uptime_s() - _memory_since_s > _MEMORY_WINDOW_S or not _memory_errors:
        _memory_since_s = loop.uptime_s()
        _memory_errors = 0
    _memory_errors += 1
    if _memory_errors >= _MEMORY_ERRORS:
        reboot("out of memory")
    return True


def start():
    """Be the loop's fault handler, collect garbage every minute, say how we came here."""
    loop.set_fault_handler(handle_fault)
    loop.Task(gc.collect, MINUTES, MINUTES, tolerance_ms=10000, core=True)
    log.info("epx %s, %s %s", VERSION, sys.implementation.name, sys.version.split()[-1])
    words = last_words(REBOOT_FILE)
    log.info("reset by %s%s", reset_cause(), ", last reboot: " + words if words else "")
