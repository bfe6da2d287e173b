"""Time that a central spends on a packet, on the 32-bit build: see bench/device/netnow.py.

netnow_verify_us_ratio  a forged packet of 60 bytes (version, network and a known identity are
                        right, the tag is not) is refused, by one HMAC-SHA256 of it.
netnow_data_us_ratio    an authentic one of 124 bytes comes to a command, by one HMAC-SHA256 and
                        one AES-CBC of it.
"""

import statistics

from onmicropython import number

_RUNS = 5


def measure(toolchain) -> dict[str, float]:
    micropython = toolchain.micropython32()
    if not micropython:
        return {}
    return {
        f"netnow_{what}_us_ratio": statistics.median(
            number(micropython, "netnow.py", what, heap="400k") for _ in range(_RUNS)
        )
        for what in ("verify", "data")
    }


if __name__ == "__main__":
    from epxhost import toolchain

    print(measure(toolchain))
