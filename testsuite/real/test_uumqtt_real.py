"""uumqtt on real MicroPython (32-bit, the heap of an ESP32) at a real Mosquitto, paho watching."""

import queue
import subprocess
import threading
from pathlib import Path

import paho.mqtt.client as paho
import pytest

from epxhost import toolchain
from epxhost.localbroker import LocalBroker, free_port
from testsuite.real.certificates import make_certificates, tls_broker

ROOT = Path(__file__).parents[2]
LIMIT_S = 30

pytestmark = pytest.mark.skipif(
    not (toolchain.mosquitto() and toolchain.micropython32()), reason=toolchain.why_not()
)


class Device:
    """A story of uumqtt_device.py; its lines arrive in a queue."""

    def __init__(self, story, *arguments):
        script = ROOT / "testsuite/real/uumqtt_device.py"
        self._process = subprocess.Popen(
            [*toolchain.micropython32(), "-X", "heapsize=100k", script, story]
            + [str(argument) for argument in arguments],
            env={"MICROPYPATH": str(ROOT / "lib")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._lines = queue.Queue()
        self._heard = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self._process.stdout:
            self._lines.put(line.strip())
        self._lines.put(None)

    def wait_for(self, beginning):
        """The rest of the first line that begins so."""
        while True:
            line = self._lines.get(timeout=LIMIT_S)
            assert line is not None, "\n".join(self._heard)
            self._heard.append(line)
            if line.startswith(beginning):
                return line[len(beginning) :].strip()

    def lines(self):
        """All lines, at the end of the story."""
        while (line := self._lines.get(timeout=LIMIT_S)) is not None:
            self._heard.append(line)
        assert self._process.wait(LIMIT_S) == 0, "\n".join(self._heard)
        return self._heard

    def go_on(self):
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def kill(self):
        self._process.kill()
        self._process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.kill()
        self._process.stdin.close()


class Watcher:
    """A paho client that keeps what it sees."""

    def __init__(self, broker, authority=None, user=None):
        self.seen = queue.Queue()
        ready = queue.Queue()
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        if user:
            self.client.username_pw_set(*user)
        if authority:
            self.client.tls_set(ca_certs=str(authority))
        self.client.on_connect = lambda client, *_: client.subscribe("uumqtt/#", 1)
        self.client.on_subscribe = lambda *_: ready.put(True)
        self.client.on_message = lambda client, _, message: self.seen.put(message)
        self.client.connect("localhost" if authority else broker.host, broker.port)
        self.client.loop_start()
        ready.get(timeout=LIMIT_S)

    def wait_for(self, topic):
        while True:
            message = self.seen.get(timeout=LIMIT_S)
            if message.topic == topic:
                return message

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return make_certificates(tmp_path_factory.mktemp("certificates"))


def send_large(watcher):
    """Larger than the device's packet_limit, QoS 1, and then one it can take."""
    watcher.client.publish("uumqtt/to/large", b"z" * 5000, qos=1)


def check_talk(device, watcher):
    """What device and watcher see of talk() in uumqtt_device.py."""
    assert device.wait_for("granted") == "1"
    assert watcher.wait_for("uumqtt/to/me").payload == b"one"
    assert watcher.wait_for("uumqtt/to/me").payload == b"two-"
    assert len(watcher.wait_for("uumqtt/state").payload) == 900
    send_large(watcher)
    assert device.wait_for("skipped") == "1"
    counts = [int(watcher.wait_for("uumqtt/count").payload) for _ in range(1000)]
    for qos in (0, 1):  # in order each; Mosquitto lets QoS 0 overtake QoS 1
        assert [count for count in counts if count & 1 == qos] == list(range(qos, 1000, 2))
    device.wait_for("done")


def test_talks_to_mosquitto_and_leaves_a_will():
    user = ("us", "pw")
    with LocalBroker(*user) as broker, Watcher(broker, user=user) as watcher:
        with Device("plain", broker.port) as device:
            check_talk(device, watcher)
        will = watcher.wait_for("uumqtt/will")
        assert (will.payload, will.qos) == (b"gone", 1)


def test_says_why_it_was_refused():
    with LocalBroker("us", "pw") as broker, Device("refused", broker.port) as device:
        assert device.wait_for("refused:") == "not authorized"


def test_talks_by_tls(certificates):
    authority = certificates / "authority"
    with (
        tls_broker(certificates) as broker,
        Watcher(broker, authority.with_suffix(".pem")) as watcher,
        Device("secure", broker.port, authority.with_suffix(".der")) as device,
    ):
        print("heap of a TLS connection:", device.wait_for("heap"))
        check_talk(device, watcher)
        assert device.wait_for("leaked") == "0"


def test_does_not_talk_to_a_stranger(certificates):
    with (
        tls_broker(certificates) as broker,
        Device("untrusted", broker.port, certificates / "stranger.der") as device,
    ):
        lines = device.lines()
    assert "".join(lines).count("refused: MQTTError certificate:") == 2
    assert lines[-1] == "leaked 0"


def test_does_not_talk_to_another_name(certificates):
    with (
        tls_broker(certificates) as broker,
        Device("untrusted", broker.port, certificates / "authority.der") as device,
    ):
        lines = device.lines()
    assert "".join(lines).count("refused: MQTTError certificate:") == 1
    assert lines[-1] == "leaked 1"  # localhost is the right name, that connection stays


def test_notices_a_frozen_broker_within_one_and_a_half_keepalives():
    with LocalBroker(need_mosquitto=True) as broker:
        with Device("frozen", broker.port) as device:
            device.wait_for("freeze")
            broker.freeze()
            device.go_on()
            passed_ms, reason = device.wait_for("noticed after").split(" ", 1)
        broker.thaw()
    assert reason == "no PINGRESP"
    assert int(passed_ms) <= 3000


def test_a_thousand_connections_leave_no_socket():
    with LocalBroker(need_mosquitto=True) as broker:
        with Device("often", broker.port, free_port()) as device:
            assert device.wait_for("leaked") == "0"
