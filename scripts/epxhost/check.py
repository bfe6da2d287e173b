"""`make test`: units and stories on CPython with branch coverage; without it tools, and stories
of many devices, which would take three times as long; the rings that need real MicroPython, a real
broker or a real serial line; all at the same time."""

import argparse
import re
import subprocess
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from epxhost import toolchain
from epxhost.door import ROOT

# Rings and their paths; they are shown in this order. "cpython" is all that is in no other one,
# and the only one whose coverage is counted.
RINGS = {
    "cpython": ["testsuite"],
    "tools": ["testsuite/house", "testsuite/tools"],
    "long": [
        "testsuite/radio_astray",
        "testsuite/radio_energy",
        "testsuite/radio_flood",
        "testsuite/radio_insider",
        "testsuite/radio_link",
        "testsuite/radio_raid",
        "testsuite/radio_replaced",
        "testsuite/radio_scale",
        "testsuite/radio_soak",
    ],
    "micropython": ["testsuite/test_micropython.py"],
    "real": ["testsuite/real"],
}
# On two cores: "real" mostly waits for processes, the others compute.
_AT_ONCE = 3
# A ring's processes hang when all their own limits have failed.
_LIMIT_S = 1100
_CLOSING_LINE = re.compile(r"(\d+) (passed|failed|skipped|errors?|xfailed)")
# pytest found no test, as `-k name` does in most rings.
_NOTHING_FOUND = 5


def _pytest_command(ring: str, more: list[str]) -> list[str]:
    command = [sys.executable]
    paths = [path for path in RINGS[ring] if (ROOT / path).exists()]
    if ring == "cpython":
        command += ["-m", "coverage", "run"]
        others = [path for other, paths in RINGS.items() if other != ring for path in paths]
        paths += [f"--ignore={path}" for path in others]
    return [*command, "-m", "pytest", "-o", f"cache_dir=build/cache-{ring}", *paths, *more]


def _closing_counts(text: str) -> dict[str, int]:
    lines = text.strip().splitlines()
    last = lines[-1] if lines else ""
    return {what.rstrip("s"): int(count) for count, what in _CLOSING_LINE.findall(last)}


def _report_coverage() -> bool:
    """Print missed lines; False below the floor of pyproject.toml."""
    sys.stdout.flush()
    command = [sys.executable, "-m", "coverage", "report"]
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def _log(ring: str) -> Path:
    return ROOT / "build" / f"test-{ring}.txt"


def _run_ring(ring: str, more: list[str]) -> int:
    """pytest's exit status; what it prints goes to the ring's log."""
    with _log(ring).open("wb") as output:
        command = _pytest_command(ring, more)
        try:
            return subprocess.run(
                command,
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=_LIMIT_S,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            output.write(f"\nended after {_LIMIT_S} s\n".encode())
            return 1


def _run(rings: list[str], more: list[str]) -> tuple[bool, dict[str, int]]:
    """The first ring is watched live, the others are shown in turn."""
    (ROOT / "build").mkdir(exist_ok=True)
    for ring in rings:
        _log(ring).write_text("")
    totals: dict[str, int] = {}
    good = True
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        running = [(ring, pool.submit(_run_ring, ring, more)) for ring in rings]
        for ring, future in running:
            _show_while_it_runs(future, _log(ring))
            status = future.result()
            good = good and (status == 0 or (status == _NOTHING_FOUND and bool(more)))
            for what, count in _closing_counts(_log(ring).read_text()).items():
                totals[what] = totals.get(what, 0) + count
    return good, totals


def _show_while_it_runs(future: Future, log: Path) -> None:
    with log.open("rb") as text:
        done = False
        while not done:
            done = future.done()
            sys.stdout.buffer.write(text.read())
            sys.stdout.flush()
            if not done:
                time.sleep(0.1)


def main() -> int:
    parser = argparse.ArgumentParser(prog="check", description=__doc__)
    parser.add_argument("--only", action="append", choices=RINGS, help="one ring; may be repeated")
    parser.add_argument("--no-coverage", action="store_true", help="do not judge the coverage")
    options, more = parser.parse_known_args()
    started = time.monotonic()
    toolchain.fetch_all(sys.stderr)
    rings = [ring for ring in RINGS if ring in (options.only or RINGS)]
    good, totals = _run(rings, more)
    covered = True
    if "cpython" in rings and not options.no_coverage and not more:
        covered = _report_coverage()
    seconds = time.monotonic() - started
    if good and covered and rings == list(RINGS) and not more:
        # For `make bench`, which lists it as test_seconds.
        (ROOT / "build/test_seconds").write_text(f"{seconds:.1f}\n")
    counts = ", ".join(f"{count} {what}" for what, count in totals.items()) or "no tests"
    verdict = "" if covered else ", coverage below the floor"
    print(f"{'=' * 20} {counts}{verdict} in {seconds:.1f}s {'=' * 20}")
    return 0 if good and covered else 1


if __name__ == "__main__":
    sys.exit(main())
