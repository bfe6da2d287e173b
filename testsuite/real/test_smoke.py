"""h2o in real time at a real broker, watched by a paho client; only the hardware is simulated."""

import pytest

from epxhost import smoke, toolchain
from epxhost.appliance_process import ApplianceProcess, mocks_heap_bytes
from epxhost.localbroker import LocalBroker
from testsuite.real.certificates import make_certificates, tls_broker

# The heap of an ESP32; the simulated hardware, which a board has none of, gets its own.
HEAP_BYTES = 100 * 1024
USER = ("tank", "pass word")

pytestmark = pytest.mark.skipif(
    not toolchain.mosquitto(), reason=f"no Mosquitto: {toolchain.why_not('mosquitto')}"
)


@pytest.fixture
def micropython():
    """Profile and mocks are .mpy there."""
    command = toolchain.micropython32()
    if command is None:
        pytest.skip(f"no 32-bit MicroPython: {toolchain.why_not('micropython32')}")
    heap = HEAP_BYTES + mocks_heap_bytes(command, "h2o")
    return [*command, "-X", f"heapsize={heap}"]


def check(broker, interpreter, config, folder=None, **who):
    with (
        ApplianceProcess("h2o", config, interpreter, folder) as device,
        smoke.Watcher(broker, device, **who) as watcher,
    ):
        print(smoke.exercise(broker, watcher, device))
        print("\n".join(watcher.console))
        assert device.resets == []
        assert len(set(watcher.pictures)) > 2 and any(watcher.pictures[-1])


def test_lives_on_micropython_with_the_heap_of_an_esp32(micropython):
    with LocalBroker(need_mosquitto=True) as broker:
        check(broker, micropython, smoke.config_text(broker))


def test_lives_on_cpython():
    with LocalBroker(need_mosquitto=True) as broker:
        check(broker, None, smoke.config_text(broker))


def test_lives_by_tls_with_a_password(micropython, tmp_path):
    certificates = make_certificates(tmp_path)
    flash = tmp_path / "flash"
    flash.mkdir()
    (flash / "ca.der").write_bytes((certificates / "authority.der").read_bytes())
    keys = "mqtttls 1\nmqttca ca.der\nmqttuser {}\nmqttpassword {}\n".format(*USER)
    with tls_broker(certificates, *USER) as broker:
        broker.host = "localhost"  # the name in its certificate
        check(
            broker,
            micropython,
            smoke.config_text(broker, keys),
            flash,
            user=USER[0],
            password=USER[1],
            authority=str(certificates / "authority.pem"),
        )
