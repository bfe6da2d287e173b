"""`make bench`: measure, print a table, write bench/results.json (flat: name to number).

Names given on the command line choose modules of bench/. What is not measured anew keeps its
number: the soak and the tests write their own.
"""

import importlib
import json
import operator
import sys
import time

import click
from rich.console import Console
from rich.table import Table

from epxhost import smoke, toolchain
from epxhost.devicelib import profiles
from epxhost.door import ROOT

RESULTS = ROOT / "bench" / "results.json"
MODULES = tuple("loop mqtt commands netnow radio ram heap_min flash ota powercut virtual".split())

AT_LEAST, AT_MOST = (operator.ge, ">="), (operator.le, "<=")

# key -> how, bound, meaning
TARGETS = {
    "loop_ratio_10": (AT_LEAST, 0.6, "10 tasks dispatched, divided by a bare heap loop"),
    "loop_ratio_200": (AT_LEAST, 0.6, "200 tasks likewise"),
    "loop_ratio_1000": (AT_LEAST, 0.6, "1000 tasks likewise"),
    "loop_alloc_bytes": (AT_MOST, 0, "heap that 1,000 idle turns allocate"),
    "loop_probe_fired": (AT_LEAST, 499, "10 ms task in 5 s beside 200 tasks of 100 ms"),
    "mqtt_pub0_ratio": (AT_LEAST, 0.8, "QoS 0 publications, divided by a raw socket"),
    "mqtt_pub1_ratio": (AT_LEAST, 0.9, "QoS 1, one in flight, likewise"),
    "mqtt_pub1_window_ratio": (AT_LEAST, 0.35, "QoS 1, window 8, by a raw socket with 20"),
    "mqtt_recv_ratio": (AT_LEAST, 0.8, "messages received, by a raw readinto for each"),
    "mqtt_rtt_ratio": (AT_MOST, 1.5, "publish to own subscription, by a raw socket"),
    "mqtt_commands_per_second": (AT_LEAST, 20000, "commands obeyed, 32-bit, whole framework"),
    "netnow_verify_us_ratio": (AT_MOST, 1.5, "forged packet refused, by one HMAC of it"),
    "netnow_lost_readings": (AT_MOST, 0, "of 20 peripherals in 4 h of faults, 20 % loss"),
    "netnow_forged_accepted": (AT_MOST, 0, "packets of an attacker who was there meanwhile"),
    "netnow_data_us_ratio": (AT_MOST, 3, "data obeyed, by one HMAC and one AES-CBC"),
    "scale_awake_ms": (AT_MOST, 25000, "a wake of a paired scale, virtual"),
    "scale_radio_ms": (AT_MOST, 3000, "of that with the radio on"),
    "heap_min_h2o_kb": (AT_MOST, 80, "smallest heap, less the mocks"),
    "rescue_flash_bytes": (AT_MOST, 120000, "files of loader and rescue, as source"),
    "ota_full_wire_ratio": (AT_MOST, 0.42, "bytes of a full update, divided by its files, source"),
    "ota_mpy_wire_ratio": (AT_MOST, 0.8, "the same with --mpy"),
    "ota_noop_bytes": (AT_MOST, 2500, "bytes of an update when nothing differs"),
    "ota_connections": (AT_MOST, 1, "TCP connections of a full update"),
    "ota_full_seconds_ratio": (AT_MOST, 2, "time of a full update, by a straight script's"),
    "ota_full_rtt20_seconds": (AT_MOST, 1.5, "full update over a round trip of 20 ms"),
    "ota_ram_bytes": (AT_MOST, 12000, "more heap during an update, without code"),
    "ota_code_bytes": (AT_MOST, 16000, "heap of the code loaded for an update"),
    "ota_longest_turn_ms": (AT_MOST, 50, "longest turn of the loop during an update"),
    "boot_to_publish_ms_h2o": (AT_MOST, 5000, "power-up to first publication, virtual"),
    "sim_speedup_h2o": (AT_LEAST, 2000, "virtual seconds per second, CPython"),
    "soak_virtual_days": (AT_LEAST, 40, "last make soak"),
    "soak_failures": (AT_MOST, 0, "last make soak"),
    "powercut_points": (AT_LEAST, 1000, "power cuts tried, on simulated flash and littlefs"),
    "powercut_bricks": (AT_MOST, 0, "devices that one of them has lost"),
    "test_seconds": (AT_MOST, 180, "last make test"),
}
_WAKEUPS = {"h2o": 4500}
_RAM_BYTES = {"scale_sensor": 40000}
# Somebody must look at a button or at pulses all the time: no bound.
_ALWAYS_AWAKE = ("switch", "rx433")
# It waits for edges: a window, or the frame that is under way at its end.
_LONGEST_TURN_MS = {"rx433": 125}
for _profile in profiles():
    TARGETS[f"ram_{_profile}_bytes"] = (
        AT_MOST,
        _RAM_BYTES.get(_profile, 60000),
        "heap, from .mpy, 32-bit",
    )
    TARGETS[f"flash_{_profile}_bytes"] = (AT_MOST, 45000, "files as .mpy")
    if _profile in smoke.CENTRALS:
        continue  # it sleeps, or has no network
    if _profile not in _ALWAYS_AWAKE:
        TARGETS[f"wakeups_per_hour_{_profile}"] = (
            AT_MOST,
            _WAKEUPS.get(_profile, 6000),
            "turns in an idle hour",
        )
    TARGETS[f"longest_turn_{_profile}_ms"] = (
        AT_MOST,
        _LONGEST_TURN_MS.get(_profile, 20),
        "longest turn, buses included",
    )


def results() -> dict[str, float]:
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {}


def save(new: dict[str, float]) -> None:
    """Put new numbers beside those that are there."""
    merged = {**results(), **{key: _short(value) for key, value in new.items()}}
    RESULTS.write_text(json.dumps(dict(sorted(merged.items())), indent=2) + "\n")


def _short(value: float) -> float:
    return int(value) if float(value).is_integer() else float(f"{value:.4g}")


def reached(key: str, value: float) -> bool | None:
    """None: there is no bound."""
    if key not in TARGETS:
        return None
    (compare, _), bound, _ = TARGETS[key]
    return compare(value, bound)


def table(before: dict[str, float]) -> Table:
    view = Table("key", "number", "before", "to reach", "", "meaning")
    for key, value in results().items():
        (_, sign), bound, meaning = TARGETS.get(key, ((None, ""), "", ""))
        good = reached(key, value)
        mark = {True: "[green]reached", False: "[red]missed", None: ""}[good]
        old = before.get(key)
        view.add_row(
            key,
            f"{value:g}",
            "" if old in (None, value) else f"{old:g}",
            f"{sign} {bound}",
            mark,
            meaning,
        )
    return view


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(MODULES))
def bench(names: tuple[str, ...]) -> None:
    """Measure everything, or only the modules NAMES of bench/."""
    sys.path.insert(0, str(ROOT / "bench"))
    before = results()
    for program in ("micropython64", "micropython32", "mosquitto"):
        if not getattr(toolchain, program)():
            click.echo(f"{program} is missing: {toolchain.why_not(program)}", err=True)
    for name in names or MODULES:
        began_s = time.monotonic()
        click.echo(f"{name} ...", err=True, nl=False)
        save(importlib.import_module(name).measure(toolchain))
        click.echo(f" {time.monotonic() - began_s:.0f} s", err=True)
    seconds = ROOT / "build" / "test_seconds"  # of the last whole `make test`
    if seconds.exists():
        save({"test_seconds": float(seconds.read_text())})
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(table(before))
    missed = [key for key, value in results().items() if reached(key, value) is False]
    absent = sorted(set(TARGETS) - set(results()))
    if absent:
        console.print("not measured:", ", ".join(absent))
    if missed:
        console.print("missed:", ", ".join(missed))
