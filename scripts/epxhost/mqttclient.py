"""One device at the broker, as the tools see it: its topics, and commands to it."""

import contextlib
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple, Self

import click
import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from epxhost import secretsfile, settings
from epxhost.devicelib import device_module
from epxhost.errors import ToolError

_CONNECT_LIMIT_S = 10.0
# A broker or a device that has just been restarted is back by then.
_PATIENCE_S = 20.0
_PATIENCE_STEP_S = 0.5
# How long the broker takes to hand out what it has retained.
_RETAINED_LIMIT_S = 1.0
_SEND_LIMIT_S = 10.0


class Message(NamedTuple):
    """topic without stat/<name>/ before it; at_s: time.time() when it came."""

    topic: str
    text: str
    retained: bool
    at_s: float


class Server(NamedTuple):
    """Where the broker is, and who we are there."""

    host: str
    port: int
    user: str | None = None
    password: str | None = None


def installed_server() -> Server:
    """What mqttserver.txt and the secrets of this installation say."""
    return Server(*settings.mqtt_server(), *secretsfile.broker_login())


class DeviceAtBroker:
    """A context: inside it, what the device publishes waits to be read with messages().

    Topics are subscribed to before the context is entered, so no answer to a command is missed.
    everything: all topics of the device, else the three that the tools need. also: another name
    that it may have from its next start on.
    """

    def __init__(
        self,
        device: str,
        server: Server | None = None,
        everything: bool = False,
        also: str | None = None,
    ) -> None:
        self.device = _topic_name(device)
        self._names = {self.device, _topic_name(also or device)}
        self.server = server or installed_server()
        self.availability: str | None = None
        self._topics = ["#"] if everything else ["Availability", "Log", "OTA"]
        self._arrived: queue.Queue[Message] = queue.Queue()
        self._subscribed = threading.Event()
        self._refused: str | None = None
        self._stopped = False
        self._client = self._make_client()

    def _make_client(self) -> paho.Client:
        client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        client.reconnect_delay_set(min_delay=1, max_delay=5)
        client.connect_timeout = _CONNECT_LIMIT_S
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        if self.server.user:
            client.username_pw_set(self.server.user, self.server.password)
        return client

    @property
    def where(self) -> str:
        return f"{self.server.host}:{self.server.port}"

    def __enter__(self) -> Self:
        self._connect()
        self._client.loop_start()
        try:
            self._await_subscription()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self._stopped = True
        self._client.disconnect()
        self._client.loop_stop()

    def _connect(self) -> None:
        end = time.monotonic() + _PATIENCE_S
        told = False
        while True:
            try:
                self._client.connect(self.server.host, self.server.port)
                return
            except (OSError, ValueError) as error:
                # A machine that refuses is there; only its broker is not (yet).
                if not isinstance(error, ConnectionRefusedError) or time.monotonic() > end:
                    raise ToolError(_unreachable(self.where, error)) from None
            if not told:
                told = True
                _say_waiting(f"no MQTT broker at {self.where}")
            time.sleep(_PATIENCE_STEP_S)

    def _await_subscription(self) -> None:
        self._subscribed.wait(_CONNECT_LIMIT_S)
        if self._refused:
            raise ToolError(self._refused)
        if not self._subscribed.is_set():
            raise ToolError(
                f"{self.where} accepts connections but does not answer as an MQTT broker: "
                "check host and port in mqttserver.txt"
            )

    # Callbacks, in the thread of paho.

    def _on_connect(
        self, client: paho.Client, _data: object, _flags: object, reason: ReasonCode, _p: object
    ) -> None:
        if reason.is_failure:
            self._give_up(_broker_refuses(self.where, reason, bool(self.server.user)))
            return
        client.subscribe([(f"stat/{n}/{topic}", 1) for n in self._names for topic in self._topics])

    def _on_subscribe(
        self, _c: object, _d: object, _mid: int, reasons: list[ReasonCode], _p: object
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            self._give_up(
                f"the broker does not let us read stat/{self.device}/#: its access list (acl) "
                "has to allow it for the user of the tools"
            )
        else:
            self._subscribed.set()

    def _on_disconnect(self, *_: object) -> None:
        # paho connects again by itself; the device may go or come back meanwhile.
        if not self._stopped and self._subscribed.is_set():
            self._put("", "the connection to the broker is lost, trying again", False)

    def _on_message(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        topic = message.topic.split("/", 2)[2]
        text = message.payload.decode("utf-8", "replace")
        if topic == "Availability":
            self.availability = text
        self._put(topic, text, message.retain)

    def _put(self, topic: str, text: str, retained: bool) -> None:
        self._arrived.put(Message(topic, text, retained, time.time()))

    def _give_up(self, why: str) -> None:
        self._refused = why
        self._stopped = True
        self._subscribed.set()
        self._client.disconnect()

    # For the tools.

    def command(self, text: str, topic: str = "OTA") -> None:
        """Publish cmnd/<device>/<topic>; return when the broker has it."""
        sent = self._client.publish(f"cmnd/{self.device}/{topic}", text, qos=1)
        if sent.rc not in (MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN):
            raise ToolError(f"the command could not be sent: {paho.error_string(sent.rc)}")
        with contextlib.suppress(RuntimeError):
            sent.wait_for_publish(_SEND_LIMIT_S)
        if not sent.is_published():
            raise ToolError(f"the broker at {self.where} did not take the command")

    def messages(self, limit_s: float | None) -> Iterator[Message]:
        """Each message, those that wait first; ends limit_s after the call (None: never)."""
        end = None if limit_s is None else time.monotonic() + limit_s
        while True:
            left_s = 3600.0 if end is None else end - time.monotonic()
            try:
                yield (
                    self._arrived.get(timeout=max(left_s, 0))
                    if left_s > 0
                    else (self._arrived.get_nowait())
                )
            except queue.Empty:
                if end is not None:
                    return

    def wait_for(
        self,
        wanted: Callable[[Message], bool],
        limit_s: float,
        seen: Callable[[Message], None] | None = None,
    ) -> Message | None:
        """The first message that is wanted, None if there was none; seen() hears of all."""
        for message in self.messages(limit_s):
            if seen:
                seen(message)
            if wanted(message):
                return message
        return None

    def require_online(self) -> None:
        """ToolError if the device is not there, and does not come within some seconds."""
        if self.availability is None:
            self.wait_for(lambda message: message.topic == "Availability", _RETAINED_LIMIT_S)
        if self.availability != "online":
            _say_waiting(f"{self.device} is not at the broker")
            self.wait_for(lambda message: self.availability == "online", _PATIENCE_S)
        if self.availability == "online":
            return
        if self.availability is None:
            raise ToolError(
                f"no device '{self.device}' has ever been at the broker {self.where}: the name is "
                "that of mqttname in its config.txt, upper and lower case count"
            )
        raise ToolError(
            f"{self.device} is {self.availability}: it is not at the broker {self.where}. "
            "Is it powered, and its network up?"
        )


def _say_waiting(why: str) -> None:
    click.echo(f"{why}; waiting {_PATIENCE_S:.0f} s for it", err=True)


def _topic_name(device: str) -> str:
    try:
        return device_module("epx.config").topic_name(device)
    except ValueError as error:
        raise ToolError(f"'{device}' is no name of a device: {error}") from None


def _unreachable(where: str, error: Exception) -> str:
    if isinstance(error, socket.gaierror):
        why = "no such name in the network"
    elif isinstance(error, TimeoutError):
        why = "nothing answers there"
    elif isinstance(error, ssl.SSLError):
        why = str(error)
    else:
        why = getattr(error, "strerror", None) or str(error)
    return f"no MQTT broker at {where} ({why}): check mqttserver.txt, and that the broker runs"


def _broker_refuses(where: str, reason: ReasonCode, has_login: bool) -> str:
    words = f"the broker at {where} refuses us: {str(reason).lower()}"
    if reason.getName() in ("Not authorized", "Bad user name or password"):
        what = "is not right" if has_login else "is missing"
        return (
            f"{words}; the login in secrets.txt {what}: lines `broker user NAME` and "
            "`broker password SECRET`, or EPX_MQTT_USER and EPX_MQTT_PASSWORD"
        )
    return words
