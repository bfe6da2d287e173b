"""Gateway of letterboxes: what they tell by radio goes to MQTT."""

from epx.appliance import Appliance


def settings():
    from letterbox_gate.settings import KEYS

    return KEYS


def build(app):
    from epx.netnowc import NetNowCentral
    from letterbox_gate.sensor import Letterboxes
    from letterbox_gate.service import RADIO, TOPICS

    now = NetNowCentral(app.config, app.net, app.mqtt, app.watchdog)
    letterboxes = Letterboxes(now)
    now.bind(letterboxes, RADIO)
    app.mqtt.bind(letterboxes, TOPICS)


Appliance("letterbox_gate", settings).run(build)
