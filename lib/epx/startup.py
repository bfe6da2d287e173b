"""What a device does once, at its start, with a network or without; forgotten then."""

from machine import Pin

from epx import diag, log, loop
from epx.watchdog import Watchdog
from loader import verdict


class Settings:
    """The values of config.txt as attributes; ready: the profile has what it needs."""


def prepare(device, grace_ms=10000):
    """Settings, log, last words, LED and watchdog, armed after grace_ms.

    Sets config and watchdog of device, which has profile and keys(), the profile's Key rows.
    """
    lines = ()
    try:
        with open("config.txt", "rb") as file:
            lines = file.read().split(b"\n")
    except OSError:
        pass
    device.config = config = Settings()
    problems = read_settings(device, config, lines)
    log.set_level(config.loglevel)
    diag.start()
    if not lines:
        log.error("no config.txt on this device: send one with scripts/pcp_conf")
    for problem in problems:
        log.error("%s", problem)
    if config.led:  # None: the profile has a row of its own, and sees to it
        pin, inverted = config.led
        try:
            loop.set_led(None if pin is None else Pin(pin, Pin.OUT), inverted)
        except ValueError as error:
            log.error("led: %s", error)
    # Without settings somebody is at the bench, and a watchdog would get in the way.
    device.watchdog = Watchdog((config.watchdog and lines) or verdict.trial, grace_ms)


def read_settings(device, target, lines):
    """Set the attributes of target (None: only check) -> what is wrong with lines."""
    from epx.config import COMMON, Config

    problems = Config(COMMON, device.keys(), lines, target).problems
    # Give back the memory of what only the start needs: 7 KB.
    diag.forget("epx", "config")
    diag.forget("epx", "nowsettings")  # it would keep all of that
    diag.forget(device.profile, "settings")
    return problems


def make(device, build):
    """Let build(device) make the profile's objects, if its settings are right."""
    log.info("appliance: %s", device.profile)
    if not device.config.ready:
        log.error("%s does not start before its settings are right", device.profile)
        return
    try:
        build(device)
        diag.forget(device.profile, "service")  # its rows are bound
    except Exception as error:
        log.error("%s could not start", device.profile)
        loop.fault_handler(device, error)
