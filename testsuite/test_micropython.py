"""The unit tests and the single-device scenarios once more, on real MicroPython (32-bit)."""

import pathlib
import subprocess

import pytest

from epxhost import toolchain

ROOT = pathlib.Path(__file__).parents[1]
# The simulator takes what it needs; the devices in it are measured elsewhere.
HEAP = "heapsize=24m"
LIMIT_S = 150


def files():
    """Unit tests and scenarios; a scenario with a file cpython-only says there why."""
    found = sorted((ROOT / "testsuite" / "unit").glob("test_*.py"))
    found += sorted((ROOT / "testsuite").glob("*/script.py"))
    return [path.relative_to(ROOT).as_posix() for path in found]


@pytest.fixture(scope="session")
def micropython():
    command = toolchain.micropython32()
    if command is None:
        pytest.skip(f"no 32-bit MicroPython: {toolchain.why_not('micropython32')}")
    return command


@pytest.mark.parametrize("file", files())
def test_passes_on_micropython(micropython, file):
    reason = ROOT / file.replace("script.py", "cpython-only")
    if file.endswith("script.py") and reason.exists():
        pytest.skip(reason.read_text().strip())
    done = subprocess.run(
        [*micropython, "-X", HEAP, "testsuite/run_upy.py", file],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    print(done.stdout, done.stderr)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
