"""`make fuzz`: thousands of hostile callers of the port of updates, found by hypothesis.

They come in rounds of 1,000 with seeds that count up; the same seed gives the same callers. A
failure shows the bytes that repeat it.
"""

import argparse
import concurrent.futures
import os
import random
import re
import subprocess
import sys
import time

from epxhost.door import ROOT

EXAMPLES = 20_000
_ROUND = 1000


def _round(seed: int, examples: int) -> tuple[int, str]:
    """pytest's exit status and what it said."""
    command = [sys.executable, "-m", "pytest", "-q", "-s", "--tb=short", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "--seed", str(seed), "testsuite/fuzz"],
        cwd=ROOT,
        env={**os.environ, "EPX_FUZZ_EXAMPLES": str(examples)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def main() -> int:
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, help="of the first round; else another every time")
    parser.add_argument("--examples", type=int, default=EXAMPLES, help=f"how many ({EXAMPLES})")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    first = random.randrange(1 << 30) if options.seed is None else options.seed
    rounds = -(-options.examples // _ROUND)
    print(f"seed {first}, {options.examples} examples", flush=True)
    failures = ran = 0
    began_s = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        size = min(_ROUND, options.examples)
        jobs = {pool.submit(_round, first + i, size): first + i for i in range(rounds)}
        for job in concurrent.futures.as_completed(jobs):
            status, said = job.result()
            seed = jobs[job]
            ran += sum(int(count) for count in re.findall(r"^(\d+) examples of", said, re.M))
            print(f"seed {seed}: {'FAILED' if status else 'nobody did harm'}", flush=True)
            if status:
                failures += 1
                print(f"{said}\nagain: scripts/fuzz --seed {seed} --examples {size}", flush=True)
    seconds = time.monotonic() - began_s
    print(f"{ran} examples, {failures} rounds failed, in {seconds:.0f} s")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
