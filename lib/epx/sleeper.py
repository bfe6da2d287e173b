"""Of a profile on a battery: it wakes, does its work, sleeps; a network only for an update.

A boot that ends in deep sleep has not failed, unless it was a fault that has ended it.
"""

import machine
from micropython import const

from epx import diag, log, loop, rtcmemory, startup
from epx.clock import HOURS, MINUTES, SECONDS
from epx.nvram import Nvram
from loader import verdict

_GRACE_MS = const(1000)  # of the watchdog
_BENCH_GRACE_MS = const(10000)  # when somebody sits at the serial port, perhaps
_FIRST_REST_MS = const(300000)
_LONGEST_REST_MS = const(3600000)
_UPDATE_WAKES = const(3)  # resets within an update, such as those of a new firmware
_TRIAL_MS = const(1800000)  # of who never sleeps

# In RTC memory, one byte each: failures in a row; boots with a network that are left.
_FAILURES = const("failures")
_UPDATE = const("update")


def start(profile, keys, build, period_ms=1 * HOURS, awake_ms=5 * MINUTES):
    """The whole main.py: a wake with build(sleeper), or one for an update. Does not return.

    keys() gives the profile's Key rows. period_ms is how long it sleeps, awake_ms how long it is
    awake at most; 0: it never sleeps.
    """
    global startup
    try:
        if _is_for_update():
            from epx.updatewake import UpdateWake

            UpdateWake(profile, keys, _end_update, period_ms if awake_ms else 0).run()
        sleeper = Sleeper(profile, keys, period_ms, awake_ms)
        startup.make(sleeper, build)
        startup = diag.forget("epx", "startup")
        loop.run()
    except Exception as error:
        diag.core_fault(error)


def can_update(config):
    """Has it what an update needs: network, broker, key?"""
    has_network = config.ssid not in (None, "(none)")
    return bool(has_network and config.mqttbroker and config.mqttname and config.otakey)


def _end_update(period_ms):
    """Nobody wants anything any more."""
    _remember(_UPDATE, 0)
    if not period_ms:
        diag.reboot("nobody has come with an update")
    _fall_asleep(period_ms)


def _fall_asleep(period_ms):
    """This boot ends well. Does not return."""
    diag.save()
    if not verdict.trial:
        diag.ended_well()
    log.info("sleeps for %d s", period_ms // SECONDS)
    machine.deepsleep(period_ms)


class Sleeper:
    """One wake. Attributes for the profile: config, watchdog.

    Whatever fails in it, the profile too, ends it: the device rests for 5 minutes, after each
    failure in a row for twice as long, up to an hour. In a trial it goes back at once.
    """

    def __init__(self, profile, keys, period_ms, awake_ms):
        self.profile = profile
        self.keys = keys
        self._period_ms = period_ms
        diag.after_failure = self._rest
        if awake_ms:
            diag.is_young = False  # who only wakes for seconds has not failed when it sleeps
            loop.Task(self._too_long, awake_ms, core=True)
        elif verdict.trial:
            loop.Task(self._unconfirmed, _TRIAL_MS, core=True)
        cause = machine.reset_cause()
        at_bench = cause in (machine.PWRON_RESET, machine.SOFT_RESET)
        startup.prepare(self, _BENCH_GRACE_MS if at_bench else _GRACE_MS)
        loop.fault_handler = self._fault
        if cause == machine.WDT_RESET:
            log.error("hung before: rests")
            # It was that boot which has failed; this one does not count.
            diag.ended_well(max(0, Nvram("loader").get_int("boots", 0) - 1))
            self._rest()

    def sleep(self, period_ms=None):
        """The work is done: sleep, for the usual time unless told. Does not return."""
        _remember(_FAILURES, 0)
        _fall_asleep(period_ms or self._period_ms)

    def update(self, health="ok"):
        """Boot with a network, for an update. False if this device cannot, or has just had one.

        Else it does not return: at the next boot it has a network, for 15 minutes or until that
        update has come. Then the new program is on trial: see reading_confirmed(). health: one
        word about what ails it now, which may not be blamed on the new program.
        """
        if verdict.trial or not can_update(self.config) or not _remember(_UPDATE, _UPDATE_WAKES):
            return False
        try:
            rtcmemory.write("health", None if health == "ok" else health.encode())
        except ValueError:  # no room; then it has to be well
            pass
        diag.reboot("for an update")

    def reading_confirmed(self, health="ok"):
        """A reading of this wake has arrived where it should, end to end -> True if that has ended
        a trial.

        Of a program it does if the device is well, or as ill as before. Without that the third
        sleep on trial leads back to the old program or config.txt; so do 30 minutes without one.
        """
        if not verdict.trial:
            return False
        from epx import trial

        running = trial.set_on_trial()
        if running and health not in ("ok", running.health):
            log.error("update: not confirmed: %s", health)
            return False
        trial.confirm()
        return True

    def _unconfirmed(self):
        if verdict.trial:
            diag.reboot("not confirmed within 30 minutes", True)

    def _too_long(self):
        log.error("awake for too long")
        self.sleep()

    def _fault(self, _, error):
        """For the loop."""
        diag.core_fault(error)

    def _rest(self):
        """After a failure, in place of a reset: no loop of them empties the battery."""
        if verdict.trial:
            return
        failures = _count(_FAILURES)
        _remember(_FAILURES, min(failures + 1, 9))
        machine.deepsleep(min(_FIRST_REST_MS << failures, _LONGEST_REST_MS))


def _count(name):
    data = rtcmemory.read(name)
    return data[0] if data else 0


def _remember(name, count):
    """0: forget it. False if there was no room."""
    try:
        rtcmemory.write(name, bytes((count,)) if count else None)
        return True
    except ValueError as error:
        log.error("rtc memory: %s", error)
        return False


def _is_for_update():
    """Is this boot one of those with a network? Takes it from their number."""
    left = _count(_UPDATE)
    if left:
        # On trial it has come, and has to prove itself by what the device is for.
        _remember(_UPDATE, 0 if verdict.trial else left - 1)
    return left > 0 and not verdict.trial
