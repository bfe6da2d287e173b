"""`make soak`: many seeds of dense random faults, each over days of virtual time.

A failing seed is printed and can be repeated alone: scripts/soak --seed N --days D.
"""

import argparse
import concurrent.futures
import os
import sys
import time

from epxhost.door import ROOT

SEEDS = 20
DAYS = 2.0
_HOUR_MS = 3_600_000


def storm(seed: int, days: float) -> tuple[int, int, str]:
    """Faults, restarts that were due, and what went wrong ("" if nothing)."""
    sys.path.insert(0, str(ROOT))
    from testmock.simworld.scene import end_world, make_world
    from testsuite.soak.storm import Storm
    from testsuite.story import with_keys

    folder = ROOT / "testsuite" / "soak"
    flavor = (folder / "flavor").read_text().strip()
    world = make_world(flavor, (folder / "config.txt").read_text(), seed)
    # Every second seed lives in a session that the broker keeps.
    with_keys(world, mqttsession="clean" if seed % 2 else "persistent")
    tempest = Storm(world)
    error = ""
    try:
        tempest.run(int(days * 24 * _HOUR_MS))
    except Exception as failure:
        console = world.device.console(since_ms=world.now_ms() - 180_000)
        error = f"{type(failure).__name__}: {failure}\n{console}"
    finally:
        end_world(world)
    return tempest.faults, tempest.restarts, error


def main() -> int:
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--seed", type=int, help="only this one; nothing is written")
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"how many, from 1 on ({SEEDS})")
    parser.add_argument("--days", type=float, default=DAYS, help=f"of virtual time each ({DAYS})")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    seeds = range(1, options.seeds + 1) if options.seed is None else [options.seed]
    failures = faults = 0
    began_s = time.monotonic()
    with concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
        jobs = {pool.submit(storm, seed, options.days): seed for seed in seeds}
        for job in concurrent.futures.as_completed(jobs):
            seed = jobs[job]
            happened, restarts, error = job.result()
            faults += happened
            failures += bool(error)
            verdict = "FAILED" if error else "survived"
            print(f"seed {seed:4}: {verdict} {happened} faults, {restarts} restarts", flush=True)
            if error:
                print(f"{error}\nagain: scripts/soak --seed {seed} --days {options.days:g}")
    days = options.days * len(seeds)
    seconds = time.monotonic() - began_s
    print(f"{days:g} virtual days, {faults} faults, {failures} seeds failed, in {seconds:.0f} s")
    if options.seed is None:
        from epxhost.benchmarks import save

        save({"soak_virtual_days": days, "soak_failures": failures})
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
