"""`make test`: everything on CPython with branch coverage, beside it the rings that need
real MicroPython, a real broker or a real serial line."""

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path

from epxhost import toolchain
from epxhost.door import ROOT

# The two halves, and what pytest is told for each. They run side by side: the second one
# mostly waits for processes in real time.
RINGS = ("testsuite/real", "testsuite/test_micropython.py")
_CLOSING_LINE = re.compile(r"(\d+) (passed|failed|skipped|errors?|xfailed)")


def _pytest_command(half: str, more: list[str]) -> list[str]:
    measure = ["-m", "coverage", "run"] if half == "cpython" else []
    if half == "cpython":
        paths = ["testsuite", *(f"--ignore={path}" for path in RINGS)]
    else:
        paths = [path for path in RINGS if (ROOT / path).exists()]
    cache = f"cache_dir=build/cache-{half}"
    return [sys.executable, *measure, "-m", "pytest", "-o", cache, *paths, *more]


def _closing_counts(text: str) -> dict[str, int]:
    lines = text.strip().splitlines()
    last = lines[-1] if lines else ""
    return {what.rstrip("s"): int(count) for count, what in _CLOSING_LINE.findall(last)}


def _report_coverage() -> bool:
    """Print missed lines; False below the floor of pyproject.toml."""
    sys.stdout.flush()
    command = [sys.executable, "-m", "coverage", "report"]
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def _run(halves: list[str], more: list[str]) -> tuple[bool, dict[str, int]]:
    """Both halves at once: the first one is watched live, the other one is shown afterwards."""
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    processes = []
    for half in halves:
        log = build / f"test-{half}.txt"
        with log.open("wb") as output:
            command = _pytest_command(half, more)
            process = subprocess.Popen(
                command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, bufsize=0
            )
        processes.append((process, log))
    totals: dict[str, int] = {}
    good = True
    for process, log in processes:
        _show_while_it_runs(process, log)
        # 5: pytest found no test, as `-k name` does in one of the halves.
        good = good and (process.returncode == 0 or (process.returncode == 5 and bool(more)))
        for what, count in _closing_counts(log.read_text()).items():
            totals[what] = totals.get(what, 0) + count
    return good, totals


def _show_while_it_runs(process: subprocess.Popen, log: Path) -> None:
    with log.open("rb") as text:
        running = True
        while running:
            try:
                running = process.wait(0.1) is None
            except subprocess.TimeoutExpired:
                running = True
            sys.stdout.buffer.write(text.read())
            sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(prog="check", description=__doc__)
    parser.add_argument("--only", choices=("cpython", "rings"), help="one of the two halves")
    parser.add_argument("--no-coverage", action="store_true", help="do not judge the coverage")
    options, more = parser.parse_known_args()
    started = time.monotonic()
    toolchain.fetch_all(sys.stderr)
    halves = [options.only] if options.only else ["cpython", "rings"]
    good, totals = _run(halves, more)
    covered = True
    if "cpython" in halves and not options.no_coverage and not more:
        covered = _report_coverage()
    seconds = time.monotonic() - started
    if good and not more and not options.only:
        (ROOT / "build/test_seconds").write_text(f"{seconds:.1f}\n")
    counts = ", ".join(f"{count} {what}" for what, count in totals.items()) or "no tests"
    verdict = "" if covered else ", coverage below the floor"
    print(f"{'=' * 20} {counts}{verdict} in {seconds:.1f}s {'=' * 20}")
    return 0 if good and covered else 1


if __name__ == "__main__":
    sys.exit(main())
