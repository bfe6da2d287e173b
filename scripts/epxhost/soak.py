"""`make soak`: dense random faults upon every profile, over many days of virtual time.

A failing storm is printed and can be repeated: scripts/soak --profile P --seed N --days D.
"""

import argparse
import concurrent.futures
import os
import sys
import time

from epxhost.devicelib import profiles
from epxhost.door import ROOT

_HOUR_MS = 3_600_000
# Devices on the radio live in one village, with its own storm: testsuite/soak/radio.py.
_RADIO = "radio"
_RADIO_DAYS = 7.0
_VILLAGERS = ("scale_manager", "scale_sensor", "tnowc", "tnowp")


def shares(wanted: list[str]) -> list[tuple[str, int, float]]:
    """(profile, seed, days) of each storm that is due; ImportError: a profile has no storm."""
    sys.path.insert(0, str(ROOT))
    from testsuite.soak.storm import hardware_of

    found = []
    if _RADIO in wanted or set(wanted) >= set(_VILLAGERS):
        found.append((_RADIO, 1, _RADIO_DAYS))  # the longest one first
    for profile in wanted:
        if profile == _RADIO or profile in _VILLAGERS:
            continue
        storms, days = hardware_of(profile).shares
        found += [(profile, seed, days) for seed in range(1, storms + 1)]
    return found


def storm(profile: str, seed: int, days: float) -> tuple[int, int, str, float]:
    """Faults, restarts that were due, what went wrong ("" if nothing), seconds."""
    sys.path.insert(0, str(ROOT))
    from testmock.simworld.scene import end_world, make_world
    from testsuite.soak.storm import storm_of

    if profile == _RADIO:
        return _village(seed, days)
    began_s = time.process_time()
    world = make_world(None, None, seed)
    # Every second seed lives in a session that the broker keeps.
    tempest = storm_of(world, profile, mqttsession="clean" if seed % 2 else "persistent")
    error = ""
    try:
        tempest.run(int(days * 24 * _HOUR_MS))
    except Exception as failure:
        console = world.device.console(since_ms=world.now_ms() - 180_000)
        error = f"{type(failure).__name__}: {failure}\n{console}"
    finally:
        end_world(world)
    return tempest.faults, tempest.restarts, error, time.process_time() - began_s


def _village(seed: int, days: float) -> tuple[int, int, str, float]:
    """The same for all devices on the radio together."""
    from testmock.simworld.scene import end_world, make_world
    from testsuite.soak.radio import Village

    began_s = time.process_time()
    world = make_world(None, None, seed)
    village = Village(world)
    error = ""
    try:
        village.settle()
        village.storm(int(days * 24 * _HOUR_MS))
        village.check()
    except Exception as failure:
        error = f"{type(failure).__name__}: {failure}\n{village.faults[-10:]}"
    finally:
        end_world(world)
    restarts = sum(len(device.resets) for device in world.devices)
    return len(village.faults), restarts, error, time.process_time() - began_s


def main() -> int:
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument(
        "--profile", choices=[*profiles(), _RADIO], help="only this one; writes nothing"
    )
    parser.add_argument("--seed", type=int, help="only this one; writes nothing")
    parser.add_argument("--seeds", type=int, help="how many, from 1 on (by profile)")
    parser.add_argument("--days", type=float, help="of virtual time each (by profile)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    try:
        due = chosen(options)
    except ImportError as error:
        parser.error(f"{error}: want testsuite/soak/PROFILE.py for each profile")
    failures = faults = 0
    days_lived = 0.0
    began_s = time.monotonic()
    with concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
        jobs = {pool.submit(storm, *share): share for share in due}
        for job in concurrent.futures.as_completed(jobs):
            profile, seed, days = jobs[job]
            happened, restarts, error, took_s = job.result()
            faults += happened
            failures += bool(error)
            days_lived += days
            verdict = "FAILED" if error else "survived"
            print(
                f"{profile:8} seed {seed:4}: {verdict} {happened} faults in {days:g} days,"
                f" {restarts} restarts, {took_s:.0f} s",
                flush=True,
            )
            if error:
                again = f"scripts/soak --profile {profile} --seed {seed} --days {days:g}"
                print(f"{error}\nagain: {again}")
    seconds = time.monotonic() - began_s
    print(
        f"{days_lived:g} virtual days, {faults} faults, {failures} storms failed,"
        f" in {seconds:.0f} s"
    )
    if not (options.profile or options.seed or options.seeds or options.days):
        from epxhost.benchmarks import save

        save({"soak_virtual_days": days_lived, "soak_failures": failures})
    return 1 if failures else 0


def chosen(options: argparse.Namespace) -> list[tuple[str, int, float]]:
    """What is due, but for what the command line says."""
    due = shares([options.profile] if options.profile else profiles())
    if options.seed is not None:
        due = [(profile, options.seed, days) for profile, seed, days in due if seed == 1]
    elif options.seeds is not None:
        due = [
            (profile, seed, days)
            for profile, first, days in due
            if first == 1
            for seed in range(1, options.seeds + 1)
        ]
    if options.days is not None:
        due = [(profile, seed, options.days) for profile, seed, _ in due]
    return due


if __name__ == "__main__":
    sys.exit(main())
