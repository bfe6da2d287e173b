"""`make powercut`: the power goes at every change of the flash, and no device is lost.

On a simulated flash whole devices boot after each cut; on real littlefs, in MicroPython, loader
and updates do. A cut that fails is printed with the command that repeats it.
"""

import argparse
import base64
import concurrent.futures
import contextlib
import datetime
import io
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from epxhost import toolchain
from epxhost.door import ROOT

SIMULATED, LITTLEFS = FLASHES = ("simulated", "littlefs")
ONCE = ("before", "torn", "after")
TWICE = "twice"  # torn, and once more while the device recovers; not on littlefs
HOWS = (*ONCE, TWICE)
_MOST_SECOND = 60
_PROGRAM = "testsuite/powercut/on_littlefs.py"
_LIMIT_S = 900
_LINES_SHOWN = 40


class Choice(NamedTuple):
    """Which cuts: one point, or each so many-th, beginning at one that the seed gives."""

    seed: int = 1
    point: int | None = None
    how: str | None = None
    every: int = 1

    def takes(self, number: int, point: int, how: str) -> bool:
        if self.point:
            return point == self.point and self.how in (None, how)
        return number % self.every == self.seed % self.every


class Brick(NamedTuple):
    """A cut that a device does not survive."""

    flash: str
    scenario: str
    point: int
    how: str
    seed: int
    problem: str

    def text(self) -> str:
        lines = self.problem.splitlines()[-_LINES_SHOWN:]
        return "\n".join(
            [
                f"LOST: {self.scenario} on {self.flash} flash, {self.how} change {self.point}",
                *(f"    {line}" for line in lines),
                f"again: scripts/powercut --seed {self.seed} --flash {self.flash} "
                f"--scenario {self.scenario} --point {self.point} --how {self.how}",
            ]
        )


class Row(NamedTuple):
    """What came of one scenario. states: different ones, in which a device was switched on."""

    flash: str
    scenario: str
    changes: int
    points: int
    states: int
    bricks: list[Brick]
    seconds: float


def _scenarios() -> Any:
    """testsuite.powercut.scenarios."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    from testsuite.powercut import scenarios

    return scenarios


def on_simulated_flash(name: str, choice: Choice) -> Row:
    began_s = time.monotonic()
    scenarios = _scenarios()
    judged: dict[Any, str | None] = {}
    bricks = []
    number = points = 0
    # The serial tools tell what they do.
    with contextlib.redirect_stderr(io.StringIO()):
        changes, problem = scenarios.count_points(name, choice.seed)
        if problem:
            bricks.append(Brick(SIMULATED, name, 0, "before", choice.seed, problem))
        for point in range(1, changes + 1):
            for how in HOWS:
                number += 1
                if not choice.takes(number, point, how):
                    continue
                points += 1
                twice = how == TWICE
                state = scenarios.state_after_cut(
                    name, point, "torn" if twice else how, choice.seed
                )
                if twice:
                    state = _cut_again(name, state, point, choice.seed)
                key = (twice, scenarios.key_of(state))
                if key not in judged:
                    judged[key] = scenarios.problem_of(name, state, choice.seed, twice)
                problem = judged[key]
                if problem:
                    bricks.append(Brick(SIMULATED, name, point, how, choice.seed, problem))
    seconds = time.monotonic() - began_s
    return Row(SIMULATED, name, changes, points, len(judged), bricks, seconds)


def _cut_again(name: str, state: Any, point: int, seed: int) -> Any:
    """The power goes once more, soon, or some time until the device is where it should be."""
    dice = random.Random(f"{seed} {name} {point}")
    second = dice.choice((dice.randint(1, 6), dice.randint(1, _MOST_SECOND)))
    how = dice.choice(ONCE)
    return _scenarios().state_after_second_cut(name, state, second, how, seed) or state


def on_littlefs(name: str, choice: Choice) -> Row:
    """Runs under 32-bit MicroPython, which must be there."""
    began_s = time.monotonic()
    steps = ROOT / "build" / f"powercut-{os.getpid()}.json"
    steps.parent.mkdir(exist_ok=True)
    steps.write_text(json.dumps(_cable_steps()))
    options = ["--scenario", name, "--every", str(choice.every)]
    options += ["--from", str(choice.seed % choice.every)]
    if choice.point:
        options += ["--point", str(choice.point)]
        options += ["--how", choice.how] if choice.how else []
    command = [*(toolchain.micropython32() or []), "-X", "heapsize=8m", _PROGRAM, str(ROOT)]
    try:
        done = subprocess.run(
            [*command, steps.relative_to(ROOT).as_posix(), *options],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )
    finally:
        steps.unlink()
    bricks = []
    total = None
    for line in done.stdout.splitlines():
        said = json.loads(line)
        if "problem" in said:
            bricks.append(
                Brick(LITTLEFS, name, said["point"], said["how"], choice.seed, said["problem"])
            )
        else:
            total = said
    seconds = time.monotonic() - began_s
    if done.returncode or not total:
        problem = done.stdout[-2000:] + done.stderr
        bricks.append(Brick(LITTLEFS, name, 0, "before", choice.seed, problem))
        return Row(LITTLEFS, name, 0, 0, 0, bricks, seconds)
    tried = total["points"]
    return Row(LITTLEFS, name, total["changes"], tried, tried, bricks, seconds)


def _cable_steps() -> list[list[str]]:
    """What scripts/cpall does to a board, for a program that plays the board."""
    scenarios = _scenarios()
    with contextlib.redirect_stderr(io.StringIO()):
        steps = scenarios.steps_of_cable()
    return [
        [base64.b64encode(w).decode() if isinstance(w, bytes) else w for w in step]
        for step in steps
    ]


def _jobs(flash: str | None, scenario: str | None) -> list[tuple[Any, str]]:
    """(function, name of a scenario) of what is to be done."""
    scenarios = _scenarios()
    found = []
    if flash in (None, LITTLEFS):
        found += [(on_littlefs, name) for name in scenarios.ON_LITTLEFS]
    if flash in (None, SIMULATED):
        found += [(on_simulated_flash, name) for name in scenarios.SCENARIOS]
    return [job for job in found if scenario in (None, job[1])]


def run(
    choice: Choice,
    workers: int,
    flash: str | None = None,
    scenario: str | None = None,
    say: Callable[[str], object] = print,
) -> list[Row]:
    """All that is chosen, in several processes; says what comes of it as it goes."""
    if flash != SIMULATED and not toolchain.micropython32():
        say(f"not on littlefs: {toolchain.why_not('micropython32')}")
        flash = SIMULATED
    jobs = _jobs(flash, scenario)
    rows = []
    say("flash      scenario         changes points states  lost  seconds")
    with concurrent.futures.ProcessPoolExecutor(workers) as pool:
        waiting = [pool.submit(work, name, choice) for work, name in jobs]
        for job in concurrent.futures.as_completed(waiting):
            row = job.result()
            rows.append(row)
            numbers = f"{row.changes:7} {row.points:6} {row.states:6} {len(row.bricks):5}"
            say(f"{row.flash:10} {row.scenario:16} {numbers} {row.seconds:8.1f}")
            for brick in row.bricks[:3]:
                say(brick.text())
    return rows


def figures(rows: list[Row]) -> dict[str, float]:
    """For the bench."""
    return {
        "powercut_points": sum(row.points for row in rows),
        "powercut_bricks": sum(len(row.bricks) for row in rows),
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="powercut", description=__doc__)
    parser.add_argument("--flash", choices=FLASHES, help="only this one")
    parser.add_argument("--scenario", metavar="NAME", help="only this one")
    parser.add_argument("--point", type=int, metavar="K", help="only at change K of a scenario")
    parser.add_argument("--how", choices=HOWS, help="and only so")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="each Nth point only")
    parser.add_argument(
        "--seed",
        type=int,
        help="of the worlds, and which Nth points; default: 1, today for --every",
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    today = datetime.date.today().toordinal() if options.every > 1 else 1
    seed = options.seed if options.seed is not None else today
    choice = Choice(seed, options.point, options.how, options.every)
    began_s = time.monotonic()
    sys.stdout.reconfigure(line_buffering=True)
    rows = run(choice, options.jobs, options.flash, options.scenario)
    if not rows:
        print(f"powercut: no scenario {options.scenario}", file=sys.stderr)
        return 1
    numbers = figures(rows)
    points, bricks = numbers["powercut_points"], numbers["powercut_bricks"]
    seconds = time.monotonic() - began_s
    print(f"seed {seed}: {points} points, {bricks} devices lost, in {seconds:.0f} s")
    if choice == Choice(seed) and not options.flash and not options.scenario:
        from epxhost.benchmarks import save

        save(numbers)
    return 1 if bricks else 0


if __name__ == "__main__":
    sys.exit(main())
