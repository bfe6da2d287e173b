"""Power cuts at a sample of all points, another one each day; `make powercut` tries them all.

In a process of its own: there are thousands of boots, and coverage would double their time.
"""

import datetime
import re
import subprocess
import sys

import pytest

from epxhost import toolchain
from epxhost.door import ROOT

# Of about 3,400 and 2,500 points; some seconds each. Odd: points of all kinds are among them.
EVERY = {"simulated": 17, "littlefs": 21}
LEAST_POINTS = {"simulated": 180, "littlefs": 110}
LIMIT_S = 200


def today():
    return datetime.date.today().toordinal()


@pytest.mark.parametrize("flash", ["simulated", "littlefs"])
def test_no_power_cut_loses_a_device(flash):
    if flash == "littlefs" and not toolchain.micropython32():
        pytest.skip(f"no 32-bit MicroPython: {toolchain.why_not('micropython32')}")
    options = ["--flash", flash, "--every", str(EVERY[flash]), "--seed", str(today())]
    done = subprocess.run(
        [sys.executable, "scripts/powercut", *options, "--jobs", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    print(done.stdout, done.stderr)
    assert done.returncode == 0, done.stdout + done.stderr
    points = re.search(r"^seed \d+: (\d+) points, 0 devices lost", done.stdout, re.MULTILINE)
    assert int(points[1]) >= LEAST_POINTS[flash], done.stdout
