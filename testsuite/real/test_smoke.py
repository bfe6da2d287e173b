"""h2o in real time at a real broker, watched by a paho client; only the hardware is simulated."""

import pytest

from epxhost import smoke, toolchain
from epxhost.appliance_process import ApplianceProcess, mocks_heap_bytes
from epxhost.localbroker import LocalBroker

# The heap of an ESP32; the simulated hardware, which a board has none of, gets its own.
HEAP_BYTES = 100 * 1024

pytestmark = pytest.mark.skipif(
    not toolchain.mosquitto(), reason=f"no Mosquitto: {toolchain.why_not('mosquitto')}"
)


@pytest.fixture(params=["micropython", "cpython"])
def interpreter(request):
    """What ApplianceProcess wants; the profile is .mpy there, and source on CPython."""
    if request.param == "cpython":
        return None
    micropython = toolchain.micropython32()
    if micropython is None:
        pytest.skip(f"no 32-bit MicroPython: {toolchain.why_not('micropython32')}")
    heap = HEAP_BYTES + mocks_heap_bytes(micropython, "h2o")
    return [*micropython, "-X", f"heapsize={heap}"]


def test_publishes_obeys_and_comes_back(interpreter):
    with (
        LocalBroker(need_mosquitto=True) as broker,
        ApplianceProcess("h2o", smoke.config_text(broker), interpreter) as device,
        smoke.Watcher(broker, device) as watcher,
    ):
        print(smoke.exercise(broker, watcher, device))
        print("\n".join(watcher.console))
        assert device.resets == []
        assert len(set(watcher.pictures)) > 2 and any(watcher.pictures[-1])
