"""Time that a central spends on a packet, on the 32-bit build: see bench/device/netnow.py.

netnow_verify_us_ratio  a forged packet of 60 bytes (version, network and a known identity are
                        right, the tag is not) is refused, by one HMAC-SHA256 of it.
netnow_data_us_ratio    an authentic one of 124 bytes comes to a command, by one HMAC-SHA256 and
                        one AES-CBC of it.
netnow_..._small_heap_ratio  the same as it goes on and on, collections included, in a heap as
                        small as a device's.
"""

import statistics

from onmicropython import number

_RUNS = 5


def measure(toolchain) -> dict[str, float]:
    micropython = toolchain.micropython32()
    if not micropython:
        return {}
    figures = {}
    for what in ("verify", "data"):
        figures[f"netnow_{what}_us_ratio"] = statistics.median(
            number(micropython, "netnow.py", what, heap="400k") for _ in range(_RUNS)
        )
        figures[f"netnow_{what}_small_heap_ratio"] = statistics.median(
            number(micropython, "netnow.py", what, "steady", heap="160k") for _ in range(_RUNS)
        )
    return figures


if __name__ == "__main__":
    from epxhost import toolchain

    print(measure(toolchain))
