"""Gateway of a scale on a battery: what it weighs comes by radio and goes to MQTT."""

from epx.appliance import Appliance


def settings():
    """Forgotten after the start, to keep the heap for the appliance."""
    from scale_manager.settings import KEYS

    return KEYS


def build(app):
    """Imports what only it needs: the heap gets back their names, and the network is up anyway."""
    from epx.netnowc import NetNowCentral
    from scale_manager.sensor import RemoteScale
    from scale_manager.service import RADIO, TOPICS

    now = NetNowCentral(app.config, app.net, app.mqtt, app.watchdog)
    scale = RemoteScale()
    now.bind(scale, RADIO)
    app.mqtt.bind(scale, TOPICS)


Appliance("scale_manager", settings).run(build)
