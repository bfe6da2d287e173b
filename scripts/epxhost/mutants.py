"""`make mutants`: put known bugs into a copy of lib/, one by one; the tests must turn red.

The working tree is never touched. Names given on the command line choose mutants.
"""

import argparse
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from epxhost.door import ROOT

_COPIED = ("lib", "profiles", "testmock", "testsuite", "scripts", "pyproject.toml")
# A mutant that makes the tests hang is found too.
_LIMIT_S = 90


@dataclass(frozen=True)
class Mutant:
    """In `file` of lib/, what the pattern `old` matches becomes `new`; `tests` must notice."""

    name: str
    file: str
    old: str
    new: str
    tests: str


# Pattern and replacement are those of re.sub; every match is replaced.
MUTANTS = (
    Mutant(
        "ticks subtracted in the loop",
        "epx/loop.py",
        r"ticks_diff\((\w+), (\w+)\)",
        r"(\1 - \2)",
        "clock_wrap unit/test_epx_loop.py",
    ),
    Mutant(
        "ticks subtracted in the MQTT client",
        "uumqtt/connection.py",
        r"ticks_diff\(([\w.]+), (\w+)\)",
        r"(\1 - \2)",
        "clock_wrap half_open",
    ),
    Mutant(
        "no subscription on a new connection",
        "epx/mqtt.py",
        r"session_present and self\._was_subscribed",
        "self._was_subscribed",
        "mqttf2 persistent_session",
    ),
    Mutant(
        "watchdog fed always", "epx/watchdog.py", r"if self\._marks > 0:", "if True:", "watchdog"
    ),
    Mutant(
        "watchdog does not know of the name server",
        "epx/resolver.py",
        r"watchdog\.may_block\w*\(\)",
        "pass",
        "name_server watchdog",
    ),
    Mutant(
        "watchdog's declared blocks have no limit",
        "epx/watchdog.py",
        r"_MARKS_BLOCKED = const\(120\)",
        "_MARKS_BLOCKED = const(100000)",
        "watchdog",
    ),
    Mutant(
        "back-off not reset by a connection",
        "epx/mqtt.py",
        r"(_was_subscribed = True\n) +self\._retry_ms = _FIRST_RETRY_MS\n",
        r"\1",
        "mqttf2",
    ),
    Mutant(
        "back-off not reset by the link",
        "epx/mqtt.py",
        r'(if state == "connected":\n) +self\._retry_ms = _FIRST_RETRY_MS\n',
        r"\1",
        "mqttf",
    ),
    Mutant("back-off does not grow", "epx/mqtt.py", r"retry_ms \* 3 // 2", "retry_ms", "mqttf"),
    Mutant(
        "back-off has no limit",
        "epx/mqtt.py",
        r"_LAST_RETRY_MS = const\(60000\)",
        "_LAST_RETRY_MS = const(600000)",
        "mqttf",
    ),
    Mutant(
        "debounce off by one",
        "h2o/sensor.py",
        r"_EQUAL_SAMPLES = const\(4\)",
        "_EQUAL_SAMPLES = const(3)",
        "h2o_fails unit/test_h2o.py",
    ),
    Mutant(
        "forced level stays",
        "h2o/sensor.py",
        r"self\.wet = self\._candidate = -1",
        "self.wet = -1",
        "h2o_fails unit/test_h2o.py",
    ),
    Mutant(
        "retained commands obeyed",
        "epx/mqtt.py",
        r"if retain or not payload:",
        "if not payload:",
        "retained_commands ghost_commands",
    ),
    Mutant("DUP ignored", "epx/mqtt.py", r"elif dup:", "elif False:", "retained_commands"),
    Mutant(
        "every used packet id is a repetition",
        "epx/mqtt.py",
        r"elif dup:",
        "else:",
        "retained_commands",
    ),
    Mutant(
        "no last will",
        "epx/mqtt.py",
        r"client\.set_will\(.*\)",
        "pass",
        "availability",
    ),
    Mutant(
        "online before the SUBACK",
        "epx/mqtt.py",
        r"(self\.on_subscribing, 100, core=True\)\)\n)",
        r'\1        self.sm.go("online")\n',
        "availability",
    ),
    Mutant(
        "event queue unbounded",
        "epx/topics.py",
        r"deque\(\(\), _MOST_EVENTS\)",
        "deque((), 1000)",
        "broker_restart_in_flight unit/test_epx_outbox.py",
    ),
    Mutant(
        "oldest value sent",
        "epx/topics.py",
        r"self\._value = value = self\._read\(\)",
        "value = self._value",
        "mqttf2 unit/test_epx_topics.py",
    ),
    Mutant(
        "None never published",
        "epx/topics.py",
        r"payload = _UNKNOWN\b",
        "pass",
        "unknown_value",
    ),
    Mutant(
        "None repeated",
        "epx/topics.py",
        r"if self\._payload is _UNKNOWN:.*",
        "if False:",
        "unknown_value",
    ),
    Mutant(
        "sums told as sent without an answer",
        "epx/topics.py",
        r"1 if row\.sent else 0",
        "0",
        "half_open",
    ),
    Mutant(
        "events repeated by Refresh",
        "epx/topics.py",
        r"if not row\.event and \(",
        "if (",
        "broker_restart_in_flight unit/test_epx_topics.py",
    ),
    Mutant(
        "keepalive not sent",
        "uumqtt/connection.py",
        r"pack_into\(.*_PINGREQ.*\n +self\._end \+= 2",
        "pass",
        "half_open",
    ),
    Mutant(
        "answer to the ping not awaited",
        "uumqtt/connection.py",
        r'wait = min\(wait, _left\(self\._ping_at, now, "PINGRESP"\)\)',
        "pass",
        "half_open",
    ),
    Mutant(
        "PUBACK not awaited",
        "uumqtt/connection.py",
        r'wait = min\(wait, _left\(limit, now, "PUBACK"\)\)',
        "pass",
        "broker_restart_in_flight",
    ),
    Mutant(
        "sent again without DUP",
        "uumqtt/client.py",
        r"head \| _DUP",
        "head",
        "broker_restart_in_flight",
    ),
    Mutant(
        "commands not acknowledged",
        "uumqtt/inbox.py",
        r"(packet_id\)\n +)self\._acknowledge\(packet_id\)",
        r"\1pass",
        "retained_commands persistent_session",
    ),
    Mutant(
        "packets that are too long not acknowledged",
        "uumqtt/inbox.py",
        r"(\n {8}if packet_id:\n +)self\._acknowledge\(packet_id\)",
        r"\1pass",
        "testsub",
    ),
    Mutant(
        "sockets not closed",
        "uumqtt/connection.py",
        r"stream\.close\(\)",
        "pass",
        "sockets_1000_reconnects",
    ),
    Mutant(
        "catch-up unbounded",
        "epx/loop.py",
        r"due \+= \(now - due\) // period \* period.*",
        "pass",
        "unit/test_epx_loop.py",
    ),
    Mutant(
        "jitter always zero",
        "epx/loop.py",
        r"random\.randrange\(.*\)",
        "0",
        "start_jitter unit/test_epx_loop.py",
    ),
    Mutant(
        "jitter after every reset",
        "epx/net.py",
        r"_START_JITTER_MS if .* else 0",
        "_START_JITTER_MS",
        "start_jitter",
    ),
    Mutant(
        "cancelled tasks run",
        "epx/loop.py",
        r"self\._entry\[_PERIOD\] = _CANCELLED",
        "pass",
        "unit/test_epx_loop.py",
    ),
    Mutant(
        "tolerance ignored",
        "epx/loop.py",
        r"entry\[_TOLERANCE\] = self\._tolerance_ms",
        "entry[_TOLERANCE] = 0",
        "justrun_h unit/test_epx_loop.py",
    ),
    Mutant(
        "recurring tasks drift",
        "epx/loop.py",
        r"due = entry\[_DUE\] \+ period\b",
        "due = now + period + 1",
        "unit/test_epx_loop.py justrun_h",
    ),
    Mutant(
        "restart of the device too early",
        "epx/net.py",
        r"_lost_s > limit_s",
        "_lost_s > limit_s - 60",
        "reboot_ladder",
    ),
    Mutant(
        "restart of the device never",
        "epx/net.py",
        r"if limit_s and uptime_s\(\) - self\._lost_s",
        "if False and uptime_s() - self._lost_s",
        "wifi",
    ),
    Mutant(
        "restart without a broker although the key is 0",
        "epx/mqtt.py",
        r"if limit_s and",
        "limit_s = limit_s or 600\n        if",
        "reboot_ladder",
    ),
    Mutant(
        "radio never switched off",
        "epx/net.py",
        r"_GENTLE_RETRIES = const\(1\)",
        "_GENTLE_RETRIES = const(10000)",
        "wifi reboot_ladder",
    ),
    Mutant("our own faults survived", "epx/diag.py", r"if owner\.core or", "if", "faults"),
    Mutant(
        "the appliance's faults end the program",
        "epx/diag.py",
        r"if owner\.core or",
        "if True or",
        "faults",
    ),
    Mutant("lost log lines not counted", "epx/log.py", r"_lost \+= 1", "pass", "log_topic"),
    Mutant(
        "dead name server asked at every attempt",
        "epx/resolver.py",
        r"_ASK_AGAIN_S = const\(120\)",
        "_ASK_AGAIN_S = const(0)",
        "name_server",
    ),
    Mutant(
        "packet id used twice",
        "uumqtt/client.py",
        r"while packet_id in self\.in_flight or packet_id in self\._asked:",
        "while False:",
        "unit/test_uumqtt_send.py unit/test_uumqtt_connection.py",
    ),
    Mutant(
        "numbers cut, not rounded", "epx/textfmt.py", r" \+ 0\.5\b", "", "unit/test_epx_textfmt.py"
    ),
    Mutant(
        "secrets shown",
        "epx/config.py",
        r"if key\.secret else",
        "if False else",
        "unit/test_epx_config.py",
    ),
    Mutant(
        "a record need not be authentic",
        "epx/otawire.py",
        r"if not equal\(self\._tag",
        "if False and not equal(self._tag",
        "unit/test_epx_ota.py unit/test_epx_otawire.py",
    ),
    Mutant(
        "records are not counted",
        "epx/otawire.py",
        r"self\._count \+= 1",
        "self._count += 0",
        "unit/test_epx_ota.py unit/test_epx_otawire.py",
    ),
    Mutant(
        "any proof will do",
        "epx/otahello.py",
        r"if not otawire\.equal\(",
        "if False and not otawire.equal(",
        "unit/test_epx_ota.py",
    ),
    Mutant(
        "a wrong key costs no time",
        "epx/otahello.py",
        r"uptime_s\(\) \+ \(1 << ota\.failures\)",
        "0",
        "unit/test_epx_ota.py",
    ),
    Mutant(
        "what was inflated is not compared with the list",
        "epx/otabundle.py",
        r"return digest\.digest\(\) == sha256",
        "return True",
        "unit/test_epx_ota.py",
    ),
    Mutant(
        "the commit trusts what it finds",
        "epx/otafiles.py",
        r"return found == \(size, sha256\)",
        "return found[0] == size",
        "unit/test_epx_ota.py",
    ),
    Mutant(
        "what the running set has is not filled in",
        "epx/otacommit.py",
        r"yield from _copy\(",
        "yield from () and _copy(",
        "unit/test_epx_ota.py",
    ),
    Mutant(
        "a trial that hangs goes on",
        "loader/start.py",
        r"boots\.count and cause == WDT_RESET",
        "False",
        "unit/test_loader.py",
    ),
    Mutant(
        "a power cut counts as a failed boot",
        "loader/start.py",
        r"cause == PWRON_RESET and boots\.count",
        "False",
        "unit/test_loader.py",
    ),
    Mutant(
        "a crash is no reason to go back",
        "loader/start.py",
        r"Boots\(\)\.set\(verdict\.FAILED\)",
        "pass",
        "unit/test_loader.py",
    ),
    Mutant(
        "a trial is confirmed without the broker",
        "epx/trial.py",
        r"not app\.mqtt\.connected\(\)",
        "False",
        "unit/test_epx_trial.py",
    ),
    Mutant(
        "a trial is confirmed though the profile is not well",
        "epx/trial.py",
        r'health not in \("ok", self\._running\.health\)',
        "False",
        "unit/test_epx_trial.py",
    ),
    Mutant(
        "a new config.txt replaces the good copy",
        "loader/sets.py",
        r"exists\(_CONFIG\) and not config_on_trial\(\)",
        "exists(_CONFIG)",
        "unit/test_epx_ota.py",
    ),
    Mutant(
        "the loader may be overwritten over the air",
        "epx/otaowner.py",
        r'"loader", ',
        "",
        "unit/test_epx_ota.py unit/test_epx_otawire.py",
    ),
    Mutant(
        "radio: a tag is always right",
        "epx/nowwire.py",
        r"return encrypt\(tag\) == _blinded_tag",
        "return True",
        "unit/test_epx_nowwire.py tnowc",
    ),
    Mutant(
        "radio: a counter may repeat",
        "epx/netnowc.py",
        r"if counter <= peer\.counter:",
        "if False:",
        "tnowc radio_link",
    ),
    Mutant(
        "radio: any time will do",
        "epx/netnowc.py",
        r"if -limit_ms <= ahead_ms <= limit_ms:",
        "if True:",
        "tnowc",
    ),
    Mutant(
        "radio: what is repeated is delivered again",
        "epx/netnowc.py",
        r"if not peer\.knows\(mark\[1:\]\):",
        "if True:",
        "tnowc justrun_sm radio_scale",
    ),
    Mutant(
        "radio: who is known pairs when he wants",
        "epx/nowpending.py",
        r" and now_s >= desk\.open_until_s",
        " and False",
        "unit/test_epx_nowdesk.py radio_insider",
    ),
    Mutant(
        "radio: a pairing every second",
        "epx/nowpending.py",
        r"_EXCHANGE_S = const\(60\)",
        "_EXCHANGE_S = const(0)",
        "unit/test_epx_nowdesk.py",
    ),
    Mutant(
        "radio: any central will do",
        "epx/nowpair.py",
        r"if earlier_proof and not equal",
        "if earlier_proof and None and not equal",
        "unit/test_epx_nowpair.py radio_insider",
    ),
    Mutant(
        "radio: numbers are not reserved in NVRAM",
        "epx/nowunsent.py",
        r"self\._nvs\.set_i32\(\"counter\", self\._limit\)",
        "pass",
        "unit/test_epx_nowunsent.py tnowp",
    ),
    Mutant(
        "radio: confirmed before the broker has it",
        "epx/nowconfirm.py",
        r"return mqtt\.sm\.state == \"initial\" or \(",
        "return True or (",
        "radio_scale justrun_sm",
    ),
    Mutant(
        "radio: naps beside Wi-Fi",
        "epx/netnow.py",
        r"interface\.config\(pm=network\.WLAN\.PM_NONE\)",
        "pass",
        "tnowc_wifi",
    ),
)


def mutated(text: str, mutant: Mutant) -> str | None:
    """The text with the bug; None if the pattern does not fit (any more)."""
    changed, count = re.subn(mutant.old, mutant.new, text)
    return changed if count and changed != text else None


class Copies:
    """One copy of the project per worker."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._local = threading.local()

    def mine(self) -> Path:
        if not hasattr(self._local, "path"):
            path = Path(tempfile.mkdtemp(dir=self._folder))
            for name in _COPIED:
                source = ROOT / name
                if source.is_dir():
                    shutil.copytree(
                        source, path / name, ignore=shutil.ignore_patterns("__pycache__")
                    )
                else:
                    shutil.copy(source, path / name)
            self._local.path = path
        return self._local.path


def tests_fail(copy: Path, tests: list[str]) -> tuple[bool, str]:
    """Whether pytest, stopped at the first failure, is not content; and what it said."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--tb=no"]
    command += [f"testsuite/{name}" for name in tests]
    try:
        done = subprocess.run(
            command, cwd=copy, capture_output=True, text=True, timeout=_LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return True, "hangs"
    found = re.search(r"^(?:FAILED|ERROR) \S*?::(\S+)", done.stdout, re.MULTILINE)
    return done.returncode != 0, found.group(1) if found else done.stdout[-300:]


def judge(mutant: Mutant, copies: Copies) -> tuple[bool, str]:
    copy = copies.mine()
    path = copy / "lib" / mutant.file
    text = path.read_text() if path.exists() else ""
    changed = mutated(text, mutant)
    if changed is None:
        return False, "does not apply: the code has changed, adapt the mutant"
    path.write_text(changed)
    try:
        failed, words = tests_fail(copy, mutant.tests.split())
    finally:
        path.write_text(text)
    return failed, words if failed else "SURVIVED"


def main() -> int:
    parser = argparse.ArgumentParser(prog="mutants", description=__doc__)
    parser.add_argument("names", nargs="*", help="only mutants whose name contains one of these")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    chosen = [m for m in MUTANTS if not options.names or any(n in m.name for n in options.names)]
    began_s = time.monotonic()
    alive = 0
    with (
        tempfile.TemporaryDirectory() as folder,
        concurrent.futures.ThreadPoolExecutor(options.jobs) as pool,
    ):
        copies = Copies(Path(folder))
        tests = sorted({test for mutant in chosen for test in mutant.tests.split()})
        failed, words = tests_fail(copies.mine(), tests)
        if failed:
            print(f"without any mutant the tests fail: {words}")
            return 1
        for mutant, (dead, words) in zip(
            chosen, pool.map(lambda mutant: judge(mutant, copies), chosen), strict=True
        ):
            alive += not dead
            print(f"{'killed' if dead else 'ALIVE ':6} {mutant.name:48} {words}", flush=True)
    seconds = time.monotonic() - began_s
    print(f"{len(chosen) - alive} of {len(chosen)} mutants killed in {seconds:.0f} s")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
