"""Readings lost and forged packets accepted, in four hours of a village: testsuite/soak/radio.py.

netnow_lost_readings    sent to be confirmed, and neither arrived once, in order, nor kept by a
                        device for its next wake; but for those that it lost with its own power
netnow_forged_accepted  packets of an attacker, of ten thousand, that have changed anything
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from testmock.simworld.scene import end_world, make_world  # noqa: E402
from testsuite.soak.radio import HOURS, MINUTES, Village  # noqa: E402

_SEED = 5
_RAIDS = 5
_QUIET_MS = 75 * MINUTES


def measure(_toolchain) -> dict[str, float]:
    world = make_world(None, None, _SEED)
    village = Village(world)
    try:
        village.settle()
        for _ in range(_RAIDS):
            village.raid()
            village.live(5 * MINUTES)
        village.storm(4 * HOURS)
        account, guard = village.account, village.guard
        lost = account.lost(world.now_ms() - _QUIET_MS)
        return {
            "netnow_lost_readings": len(lost) + len(account.problems),
            "netnow_forged_accepted": len(guard.accepted),
        }
    finally:
        end_world(world)


if __name__ == "__main__":
    print(measure(None))
