"""The peripheral of a link test: never sleeps, has no network, says how it hears its central."""

from epx import sleeper


def settings():
    """Forgotten after the start, to keep the heap for the appliance."""
    from tnowp.settings import KEYS

    return KEYS


def build(device):
    from machine import Pin

    from epx.netnowp import NetNowPeripheral
    from tnowp.sensor import LinkTest
    from tnowp.service import HEARD, RADIO

    config = device.config
    now = NetNowPeripheral(config, device.watchdog, sleeper.can_update(config))
    test = LinkTest(now, HEARD, device, button=Pin(0, Pin.IN, Pin.PULL_UP))
    now.bind(test, RADIO)
    now.start()


sleeper.start("tnowp", settings, build, awake_ms=0)
