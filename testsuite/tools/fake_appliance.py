"""A device as somebody at the broker sees it: says that it is online, answers commands."""

import queue

import paho.mqtt.client as paho


class FakeAppliance:
    """answers: {command on the topic OTA: [(topic, text), …]}; commands: what came, in order."""

    def __init__(self, broker, name, answers=None, availability="online"):
        self.name = name
        self.answers = answers or {}
        self.commands = queue.Queue()
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self._client.on_message = self._on_message
        self._client.connect(broker.host, broker.port)
        self._client.loop_start()
        self._subscribed = queue.Queue()
        self._client.on_subscribe = lambda *_: self._subscribed.put(True)
        self._client.subscribe(f"cmnd/{name}/#", 1)
        self._subscribed.get(timeout=10)
        if availability:
            self.say("Availability", availability, retain=True)

    def say(self, topic, text, retain=False):
        self._client.publish(f"stat/{self.name}/{topic}", text, 1, retain).wait_for_publish(10)

    def log(self, *lines):
        for line in lines:
            self.say("Log", line)

    def _on_message(self, _client, _data, message):
        text = message.payload.decode()
        topic = message.topic.removeprefix(f"cmnd/{self.name}/")
        self.commands.put((topic, text))
        for answer_topic, answer in self.answers.get(text, ()):
            self._client.publish(f"stat/{self.name}/{answer_topic}", answer, 1)

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        # The broker forgets it.
        self.say("Availability", "", retain=True)
        self.close()
