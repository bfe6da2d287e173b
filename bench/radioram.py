"""Heap of the profiles on the radio, each with the device that it talks to, both on the 32-bit
build in real time at Mosquitto:

ram_<peripheral>_bytes          the most while it is awake and paired, the radio open: in a wake
                                after one with a pairing, and in that one when it was over.
ram_<peripheral>_pairing_bytes  the most during that pairing.
ram_<central>_serving_bytes     connected, with a peripheral that has told it something.

A peripheral that never sleeps has no second wake.
"""

import tempfile
from pathlib import Path

from heaprun import DEEPSLEEP, HeapRun

from epxhost import smoke
from epxhost.ether_hub import EtherHub
from epxhost.localbroker import LocalBroker

_CENTRAL_MAC, _PERIPHERAL_MAC = "240ac4000101", "240ac4000201"
_SAMPLES = 20
_NEVER_SLEEPS = ("tnowp",)


def measure(interpreter: list[str]) -> dict[str, float]:
    figures = {}
    for peripheral in smoke.CENTRALS:
        figures |= measure_pair(interpreter, peripheral)
    return figures


def measure_pair(interpreter: list[str], peripheral: str) -> dict[str, float]:
    central = smoke.CENTRALS[peripheral]
    with (
        LocalBroker(need_mosquitto=True) as broker,
        EtherHub() as hub,
        tempfile.TemporaryDirectory(prefix="epx-ram-") as top,
    ):

        def run(profile: str, mac: str, **how: int) -> HeapRun:
            config = smoke.config_text(broker, profile=profile)
            folder = Path(top) / profile
            return HeapRun(interpreter, profile, folder, config, ether=hub.port, mac=mac, **how)

        with run(central, _CENTRAL_MAC) as serving:
            with run(peripheral, _PERIPHERAL_MAC) as first:
                first.wait_for("netnow: paired, channel")
                pairing = len(first.samples)
                _wait_for_its_end(first, peripheral)
            most = max(first.samples[pairing:])
            if peripheral not in _NEVER_SLEEPS:
                with run(peripheral, _PERIPHERAL_MAC, cause=DEEPSLEEP) as second:
                    _wait_for_its_end(second, peripheral)
                most = max(most, *second.samples)
            serving.wait_for("netnow: paired, 1 known")
            serving.catch_up()
            serving.wait_for_samples(1)
    return {
        f"ram_{peripheral}_bytes": most,
        f"ram_{peripheral}_pairing_bytes": max(first.samples[:pairing]),
        f"ram_{central}_serving_bytes": serving.samples[-1],
    }


def _wait_for_its_end(run: HeapRun, peripheral: str) -> None:
    if peripheral in _NEVER_SLEEPS:
        run.wait_for_samples(_SAMPLES)
    else:
        run.wait_for("asleep")
