"""Each profile in real time at a real broker, watched by a paho client; only the hardware is
simulated. h2o stands for all where the broker goes away, by TLS and on CPython."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from epxhost import smoke, toolchain
from epxhost.appliance_process import ApplianceProcess, mocks_heap_bytes
from epxhost.devicelib import profiles
from epxhost.localbroker import LocalBroker
from testsuite.real.certificates import make_certificates, tls_broker

# The heap of an ESP32; the simulated hardware, which a board has none of, gets its own.
HEAP_BYTES = 100 * 1024
USER = ("tank", "pass word")

pytestmark = pytest.mark.skipif(
    not toolchain.mosquitto(), reason=f"no Mosquitto: {toolchain.why_not('mosquitto')}"
)


OTHERS = [profile for profile in profiles() if profile != "h2o"]


def on_a_board(profile):
    """Profile and mocks are .mpy there."""
    command = toolchain.micropython32()
    if command is None:
        pytest.skip(f"no 32-bit MicroPython: {toolchain.why_not('micropython32')}")
    heap = HEAP_BYTES + mocks_heap_bytes(command, profile)
    return [*command, "-X", f"heapsize={heap}"]


@pytest.fixture(scope="module")
def lives():
    """What became of each profile but h2o: they live at the same time, since they mostly wait."""
    commands = [on_a_board(profile) for profile in OTHERS]
    with ThreadPoolExecutor(len(OTHERS)) as pool:
        yield {
            profile: pool.submit(live, profile, command)
            for profile, command in zip(OTHERS, commands, strict=True)
        }


@pytest.fixture
def micropython(lives):
    """Meanwhile the others live."""
    return on_a_board("h2o")


def live(profile, command):
    with (
        LocalBroker(need_mosquitto=True) as broker,
        ApplianceProcess(profile, smoke.config_text(broker, profile=profile), command) as device,
        smoke.Watcher(broker, device) as watcher,
    ):
        print(profile, *smoke.first_values(watcher, device, profile))
        return device.resets


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
    keys = ("mqtttls 1", "mqttca ca.der", f"mqttuser {USER[0]}", f"mqttpassword {USER[1]}")
    with tls_broker(certificates, *USER) as broker:
        broker.host = "localhost"  # the name in its certificate
        check(
            broker,
            micropython,
            smoke.config_text(broker, *keys),
            flash,
            user=USER[0],
            password=USER[1],
            authority=str(certificates / "authority.pem"),
        )


@pytest.mark.parametrize("profile", OTHERS)
def test_publishes_its_first_values_with_the_heap_of_an_esp32(lives, profile):
    assert lives[profile].result() == []
