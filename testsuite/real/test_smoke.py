"""Each profile in real time at a real broker, watched by a paho client; only the hardware is
simulated. h2o stands for all where the broker goes away, by TLS and on CPython."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from epxhost import smoke, toolchain
from epxhost.appliance_process import ApplianceProcess, mocks_heap_bytes
from epxhost.devicelib import profiles
from epxhost.ether_hub import EtherHub
from epxhost.localbroker import LocalBroker, free_port
from testsuite.real.certificates import make_certificates, tls_broker

# The heap of an ESP32; the simulated hardware, which a board has none of, gets its own.
HEAP_BYTES = 100 * 1024
# Of the two that talk by radio.
SPEED = 4
SLEEP_S = 0.1
HOUR_MS = 3600_000
MACS = "240ac4000101", "240ac4000201"
USER = ("tank", "pass word")

pytestmark = pytest.mark.skipif(
    not toolchain.mosquitto(), reason=f"no Mosquitto: {toolchain.why_not('mosquitto')}"
)


OTHERS = [profile for profile in profiles() if profile != "h2o"]


def on_a_board(profile, shifted=False):
    """Profile and mocks are .mpy there."""
    command = toolchain.micropython32()
    if command is None:
        pytest.skip(f"no 32-bit MicroPython: {toolchain.why_not('micropython32')}")
    heap = HEAP_BYTES + mocks_heap_bytes(command, profile, shifted)
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
    if profile in smoke.CENTRALS:
        return live_on_the_radio(profile)
    with (
        LocalBroker(need_mosquitto=True) as broker,
        ApplianceProcess(profile, smoke.config_text(broker, profile=profile), command) as device,
        smoke.Watcher(broker, device) as watcher,
    ):
        print(profile, *smoke.first_values(watcher, device, profile))
        return device.resets


def live_on_the_radio(profile):
    """With the central that publishes for it. Their clocks are fast: a central has the key for a
    pairing after half a minute."""
    names = smoke.CENTRALS[profile], profile
    commands = [on_a_board(name, shifted=True) for name in names]
    with LocalBroker(need_mosquitto=True) as broker, EtherHub() as hub:

        def start(i):
            where = {"port": free_port(), "ether": hub.port, "mac": MACS[i]}
            return ApplianceProcess(
                names[i],
                smoke.config_text(broker, profile=names[i]),
                commands[i],
                speed=SPEED,
                longest_sleep_s=SLEEP_S,
                **where,
            )

        with (
            start(0) as central,
            smoke.Watcher(broker, central) as watcher,
            start(1) as device,
        ):
            print(profile, *smoke.first_values(watcher, device, profile))
            # Each reading but the first one comes from a wake after a sleep.
            assert set(device.slept_ms) == ({HOUR_MS} if profile == "scale_sensor" else set())
            return device.resets + central.resets


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
