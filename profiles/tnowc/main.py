"""The central of a link test: tells the house what peripherals say, and them how it hears."""

from epx.appliance import Appliance


def settings():
    """Forgotten after the start, to keep the heap for the appliance."""
    from tnowc.settings import KEYS

    return KEYS


def build(app):
    """Imports what only it needs: the heap gets back their names, and the network is up anyway."""
    from epx.netnowc import NetNowCentral
    from tnowc.sensor import LinkTest
    from tnowc.service import RADIO, TOPICS

    now = NetNowCentral(app.config, app.net, app.mqtt, app.watchdog)
    test = LinkTest(now)
    now.bind(test, RADIO)
    app.mqtt.bind(test, TOPICS)


Appliance("tnowc", settings).run(build)
