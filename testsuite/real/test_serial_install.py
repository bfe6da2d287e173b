"""The serial tools against real MicroPython behind a pseudo-terminal."""

import importlib.util
import os
import pathlib
import stat
import subprocess
import sys

import pytest

from epxhost import (
    boardsets,
    cli,
    fileset,
    manifest,
    secretsfile,
    serialport,
    settings,
    toolchain,
)
from epxhost.door import ROOT
from epxhost.serialport import Board as Session
from epxhost.settings import SerialParameters

_specification = importlib.util.spec_from_file_location(
    "board_behind_a_pty", pathlib.Path(__file__).with_name("board.py")
)
board_behind_a_pty = importlib.util.module_from_spec(_specification)
_specification.loader.exec_module(board_behind_a_pty)

pytestmark = pytest.mark.skipif(
    not toolchain.board(), reason=f"needs a MicroPython to play the board: {toolchain.why_not()}"
)

PROFILE = "h2o"
# What an ESP32's line carries in 15 s is 172,800 bytes; far less may pass between two feedings.
MOST_BYTES_UNFED = 4096
GOOD_CONFIG = """\
ssid My House
password blank is fine
mqttbroker 192.168.1.10
mqttname Tank
unit L
capacity 1000
levelsensors 20,40,60,80,100
flowpulserate 5.5
maxflow 30
"""
BUSY_MAIN = """\
import machine, time
watchdog = machine.WDT(timeout=15000)
turns = 0
while True:
    watchdog.feed()
    print("turn", turns, "of a loop that prints a lot, " * 3)
    time.sleep_ms(1)
    turns += 1
"""


FRAMEWORK_MAIN = """\
import machine
from epx.loop import Task, run
watchdog = machine.WDT(timeout=15000)
def turn():
    watchdog.feed()
    print("a turn of the loop")
Task(turn, 5, 5)
run()
"""


# A program that ends is a failed one for the loader.
def waiting(words):
    return f"print({words!r})\nimport time\ntime.sleep_ms(3600000)\n"


class Bench:
    """A board, and the tools pointed at it."""

    def __init__(self, folder):
        self.flash = folder / "flash"
        self.params = folder / "params.txt"
        self.board = None
        self._folder = folder

    def start(self, **files):
        """Power on with these files of the root folder on the flash (main="..." is main.py)."""
        self.flash.mkdir(exist_ok=True)
        for name, text in files.items():
            (self.flash / f"{name}.py").write_text(text)
        self.board = board_behind_a_pty.Board(self.flash)
        self.use(f"-o ser:{self.board.port}")
        self.board.wait_for("boot")

    def fill(self, **changes):
        """What cpall would have installed as set a, with other texts (main="..." is main.py)."""
        made = fileset.from_repository(PROFILE)
        made.files.update({f"{name}.py": text.encode() for name, text in changes.items()})
        files = {f"/a/{path}": data for path, data in made.files.items()}
        files.update(manifest.rescue_files())
        files.update({"/a/set.txt": made.text().encode(), "/running.txt": b"a confirmed\n"})
        for path, data in files.items():
            target = self.path(path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)

    def path(self, path):
        return self.flash / path.lstrip("/")

    def running(self):
        return self.path("running.txt").read_text()

    def wrong(self, name, wanted):
        """Paths of a set that are not there, are too many, or hold something else."""
        folder = self.path(name)
        want = {**wanted.files, "set.txt": wanted.text().encode()}
        there = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
        return sorted(set(there) ^ set(want)) + [
            path for path in set(there) & set(want) if there[path].read_bytes() != want[path]
        ]

    def use(self, parameters):
        self.params.write_text(f"{parameters}\n")

    def tool(self, *command, wait_s=20):
        """Exit status of a command, run in this process."""
        name, *arguments = (str(word) for word in command)
        return cli.main(name, [*arguments, "--params", str(self.params), "--wait", str(wait_s)])

    def session(self):
        return Session(SerialParameters(self.board.port, 115200, False), 20)

    def file(self, text, name="file.txt"):
        path = self._folder / name
        path.write_text(text)
        return path


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path)
    yield made
    if made.board:
        made.board.close()


def test_an_installed_profile_is_byte_identical_and_runs(bench, capsys):
    bench.start()
    command = [sys.executable, ROOT / "scripts/cpall", PROFILE, "--params", bench.params]
    environment = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "set a: " in done.stdout and "pcp_conf" in done.stdout
    reset = bench.board.wait_for("reset")
    assert reset["cause"] == "machine.reset()"
    assert 0 < reset["mostBytesBetweenFeeds"] < MOST_BYTES_UNFED
    wanted = fileset.from_repository(PROFILE)
    assert bench.wrong("a", wanted) == []
    for path, data in manifest.rescue_files().items():
        assert bench.path(path).read_bytes() == data, path
    assert bench.running() == "a confirmed\n"
    assert not list(bench.flash.rglob("*.new")) and not list(bench.flash.glob("pins.txt"))
    with bench.session() as session:
        running = "print(sys.modules['epx.loop'].__file__, sys.path[0])"
        assert session.run(running) == "/a/lib/epx/loop.py /a", "the loader has started it"
        assert session.run("from loader import verdict; print(verdict.chosen)") == "a"
    assert bench.board.wait_for("reset")

    # Nothing has changed, so nothing is sent.
    before = bench.board.received_bytes
    assert bench.tool("cpall", PROFILE) == 0
    assert f"0 sent, {len(wanted.files)} already there" in capsys.readouterr().out
    assert bench.board.received_bytes - before < 5000


def test_the_second_install_goes_into_the_other_set(bench, capsys):
    bench.fill(main=waiting("the old program"))
    bench.path("config.txt").write_text("ssid mine\n")
    bench.start()
    assert bench.tool("cpall", PROFILE) == 0
    said = capsys.readouterr()
    assert "set b: 1 sent" in said.out and "pcp_conf" not in said.out
    bench.board.wait_for("reset")
    assert bench.wrong("b", fileset.from_repository(PROFILE)) == []
    assert bench.path("a/main.py").read_text() == waiting("the old program")
    assert bench.running() == "b confirmed a\n"
    assert bench.path("config.txt").read_text() == "ssid mine\n"


def test_an_install_that_breaks_off_leaves_the_old_program(bench, monkeypatch):
    monkeypatch.setattr(serialport, "_OK_LIMIT_S", 1.0)
    monkeypatch.setattr(serialport, "_AGAIN_LIMIT_S", 1.0)
    bench.fill(main=waiting("the old program"), more="x = '" + "y" * 8000 + "'")
    bench.start()
    bench.board.mute_after_bytes = 20000  # in the middle of the files
    assert bench.tool("cpall", PROFILE, "--mpy") == 1
    bench.board.mute = False
    with bench.session() as session:
        session.run("print(1)")  # there again
    bench.board.wait_for("reset")
    bench.board.wait_for("boot")
    assert bench.running() == "a confirmed\n" and not bench.path("b/set.txt").exists()
    some = [p for p in bench.path("b").rglob("*.mpy") if p.is_file()]
    assert some
    bench.board.wait_for_words(b"the old program")
    assert bench.tool("cpall", PROFILE, "--mpy") == 0
    bench.board.wait_for("reset")
    assert bench.running() == "b confirmed a\n"
    assert bench.wrong("b", fileset.from_repository(PROFILE, compiled=True)) == []


def test_while_the_loader_is_replaced_the_set_runs_without_it(bench):
    main = "import h2o\nprint('without', h2o.__file__)\n" + waiting("it waits")
    bench.fill(main=main, boot="print('its boot.py')")
    bench.start(boot=boardsets._STAND_IN.decode(), main="print('not this one')")
    bench.board.wait_for_words(b"it waits")
    assert b"its boot.py" in bench.board.said
    assert b"without /a/lib/h2o/__init__.py" in bench.board.said
    assert bench.tool("cpall", PROFILE) == 0
    bench.board.wait_for("reset")
    assert bench.path("boot.py").read_bytes() == manifest.rescue_files()["/boot.py"]


def test_a_program_that_crashes_without_the_loader_is_started_again(bench):
    bench.fill(main="1 / 0")
    bench.start(boot=boardsets._STAND_IN.decode())
    assert bench.board.wait_for("reset")["cause"] == "machine.reset()"
    bench.board.wait_for_words(b"ZeroDivisionError")


def test_another_loader_is_replaced_by_force_only(bench, capsys):
    bench.fill(main=waiting("x"))
    bench.path("loader/start.py").write_text(
        "# an old one\n" + (ROOT / "lib/loader/start.py").read_text()
    )
    bench.start()
    assert bench.tool("cpall", PROFILE) == 0
    assert "another one (1 files): --force replaces it" in capsys.readouterr().out
    bench.board.wait_for("reset")
    assert "an old one" in bench.path("loader/start.py").read_text()
    assert bench.tool("cpall", PROFILE, "--force") == 0
    bench.board.wait_for("reset")
    for path, data in manifest.rescue_files().items():
        assert bench.path(path).read_bytes() == data, path
    assert bench.running() == "b confirmed a\n"


def test_safe_pins_are_driven_before_anything_else(bench, monkeypatch):
    monkeypatch.setattr(settings, "safe_pins", lambda profile, config: "4 0\n5 1\n")
    bench.fill()
    bench.start()
    assert bench.tool("cpall", PROFILE) == 0
    bench.board.wait_for("reset")
    assert bench.path("pins.txt").read_text() == "4 0\n5 1\n"
    bench.board.wait_for("boot")
    assert [bench.board.wait_for("pin")["number"] for _ in range(2)] == [4, 5]


def test_compiled_modules_replace_source_and_back(bench):
    bench.fill()
    bench.start()
    for option, wanted in (("--mpy", "b"), (None, "a")):
        assert bench.tool("cpall", PROFILE, *[option] * bool(option)) == 0
        bench.board.wait_for("reset")
        assert bench.wrong(wanted, fileset.from_repository(PROFILE, compiled=bool(option))) == []
        with bench.session() as session:
            ending = ".mpy" if option else ".py"
            found = session.run("print(sys.modules['epx.loop'].__file__)")
            assert found == f"/{wanted}/lib/epx/loop{ending}"
        bench.board.wait_for("reset")


def test_a_board_without_sets_is_taken_over(bench, capsys):
    for file in manifest.device_files(PROFILE):
        target = bench.path(file.remote.as_posix())
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / file.local).read_bytes())
    bench.path("lib/mine.py").write_text("of the owner")
    bench.start(main=f'Appliance = print\nAppliance("{PROFILE}")\n')
    assert bench.tool("cpall", PROFILE) == 0
    said = capsys.readouterr()
    assert "copied on the board" in said.out and "/lib: " in said.err
    bench.board.wait_for("reset")
    assert bench.wrong("a", fileset.from_repository(PROFILE)) == []
    assert [path.name for path in bench.path("lib").iterdir()] == ["mine.py"]


def test_a_running_appliance_is_interrupted_fed_and_restarted(bench, capsys):
    bench.start(main=BUSY_MAIN)
    assert bench.tool("pcp", bench.file("x" * 20000), "/data/big.txt") == 0
    reset = bench.board.wait_for("reset")
    assert reset["cause"] == "machine.reset()"
    assert reset["feeds"] > 100 and reset["mostBytesBetweenFeeds"] < MOST_BYTES_UNFED
    assert (bench.flash / "data/big.txt").read_text() == "x" * 20000
    bench.board.wait_for("boot")


def test_the_framework_lets_itself_be_interrupted(bench):
    """Its loop handles every fault of a task, but Ctrl-C is none."""
    bench.fill(main=FRAMEWORK_MAIN)
    bench.start()
    assert bench.tool("pcp", bench.file("new")) == 0
    assert bench.board.wait_for("reset")["cause"] == "machine.reset()"
    left = sorted(path.name for path in bench.flash.glob("*.txt"))
    assert left == ["running.txt"], "exception.txt and reboot.txt are for faults"
    assert bench.path("a/file.txt").exists()


def test_an_error_restarts_the_interrupted_appliance_too(bench, capsys):
    bench.start(main=f'Appliance = print\nAppliance("{PROFILE}")\n{BUSY_MAIN}')
    config = bench.file(GOOD_CONFIG.replace("maxflow 30", "maxflow many"))
    assert bench.tool("pcp_conf", config) == 1
    said = capsys.readouterr().err
    assert "line 9: maxflow" in said and "many" in said
    assert bench.board.wait_for("reset")["cause"] == "machine.reset()"
    assert not (bench.flash / "config.txt").exists()


def test_a_configuration_is_checked_with_the_keys_of_the_board(bench, capsys):
    bench.start(main=f'Appliance = print\nAppliance("{PROFILE}")\n')
    assert bench.tool("pcp_conf", bench.file(GOOD_CONFIG.replace("capacity", "capasity"))) == 1
    said = capsys.readouterr().err
    assert "line 6: capasity: unknown key, did you mean 'capacity'?" in said
    assert "blank is fine" not in said
    assert bench.tool("pcp_conf", bench.file(GOOD_CONFIG)) == 0
    assert f"keys of {PROFILE}" in capsys.readouterr().err
    bench.board.wait_for("reset")
    bench.board.wait_for("reset")
    assert (bench.flash / "config.txt").read_text() == GOOD_CONFIG


def test_the_safe_pins_of_a_board_come_with_the_configuration_that_names_it(bench):
    bench.start(main='Appliance = print\nAppliance("switch")\n')
    for driver, pins in (("minir4", "26 0 switch 0\n"), ("dtwonder8", None)):
        assert bench.tool("pcp_conf", bench.file(f"ssid a\ndriver {driver}\n")) == 0
        bench.board.wait_for("reset")
        path = bench.path("pins.txt")
        assert (path.read_text() if path.exists() else None) == pins


def test_without_a_profile_only_the_common_keys_are_checked(bench, capsys):
    bench.start()
    assert bench.tool("pcp_conf", bench.file("ssid a\nkeepalive soon\nanything else\n")) == 1
    said = capsys.readouterr().err
    assert "line 2: keepalive" in said and "anything" not in said
    assert bench.tool("pcp_conf", bench.file("ssid a\nanything else\n")) == 0
    assert "only the common keys" in capsys.readouterr().err


def test_a_named_profile_is_checked_before_the_port_is_touched(bench, capsys):
    bench.use("-o /dev/no-such-port")
    config = bench.file("ssid a\nmaxflow 3\n")
    assert bench.tool("pcp_conf", config, "--profile", PROFILE) == 1
    said = capsys.readouterr().err
    assert "capacity: missing" in said and "no-such-port" not in said


@pytest.fixture
def secrets_folder(monkeypatch, tmp_path):
    monkeypatch.setattr(secretsfile, "ROOT", tmp_path)
    monkeypatch.delenv("EPX_OTAKEY", raising=False)
    return tmp_path


def test_a_new_key_for_updates_goes_to_the_board_and_to_the_tools(bench, secrets_folder, capsys):
    bench.fill(main=waiting("x"))
    bench.path("config.old").write_text("what was there before a trial")
    bench.start()
    config = bench.file(GOOD_CONFIG)
    assert bench.tool("pcp_conf", config, "--new-otakey") == 0
    said = capsys.readouterr()
    bench.board.wait_for("reset")
    text = config.read_text()
    assert text.startswith(GOOD_CONFIG) and bench.path("config.txt").read_text() == text
    assert not bench.path("config.old").exists() and "stays" in said.err
    key = secretsfile.otakey_for("Tank")
    assert text.splitlines()[-1] == f"otakey {key}" and len(key) == 32
    assert key not in said.out + said.err
    assert stat.S_IMODE((secrets_folder / "secrets.txt").stat().st_mode) == 0o600
    # A second one is only for who has removed the first.
    assert bench.tool("pcp_conf", config, "--new-otakey") == 1
    assert "has a line otakey" in capsys.readouterr().err
    assert config.read_text() == text


def test_a_new_secret_for_a_radio_group_stands_in_the_file_and_is_not_printed(bench, capsys):
    bench.fill(main=waiting("x"))
    bench.start()
    before = "ssid (none)\nespnowgroup House"
    config = bench.file(before)
    options = ("--new-psk", "--profile", "tnowp")
    assert bench.tool("pcp_conf", config, *options) == 0
    said = capsys.readouterr()
    bench.board.wait_for("reset")
    text = config.read_text()
    assert text.startswith(before + "\n") and bench.path("config.txt").read_text() == text
    word, secret = text.splitlines()[-1].split()
    assert word == "espnowpsk" and len(secret) == 32 and secret not in said.out + said.err
    assert bench.tool("pcp_conf", config, *options) == 1
    assert "has a line espnowpsk" in capsys.readouterr().err
    assert config.read_text() == text


def test_the_key_of_a_configuration_is_kept_for_the_tools(bench, secrets_folder):
    bench.fill(main=waiting("x"))
    bench.start()
    config = bench.file(f"{GOOD_CONFIG}otakey 0123456789abcdef\n")
    assert bench.tool("pcp_conf", config) == 0
    assert secretsfile.otakey_for("Tank") == "0123456789abcdef"


def test_nothing_is_changed_when_the_secrets_are_open_to_others(bench, secrets_folder, capsys):
    bench.use("-o no-such-port")
    (secrets_folder / "secrets.txt").write_text("")
    (secrets_folder / "secrets.txt").chmod(0o644)
    config = bench.file(GOOD_CONFIG)
    assert bench.tool("pcp_conf", config, "--new-otakey") == 1
    said = capsys.readouterr().err
    assert "chmod 600 secrets.txt" in said and "no-such-port" not in said
    assert config.read_text() == GOOD_CONFIG


def test_a_configuration_without_a_name_gets_no_key(bench, secrets_folder, capsys):
    config = bench.file("ssid a\n")
    assert bench.tool("pcp_conf", config, "--new-otakey") == 1
    assert "mqttname" in capsys.readouterr().err and config.read_text() == "ssid a\n"


def test_a_key_that_did_not_arrive_is_not_yet_the_one_of_the_tools(bench, secrets_folder):
    bench.use("-o no-such-port")
    config = bench.file(GOOD_CONFIG)
    assert bench.tool("pcp_conf", config, "--new-otakey") == 1
    assert "otakey" in config.read_text(), "started again without the option, it goes on"
    assert not (secrets_folder / "secrets.txt").exists()


def test_main_py_goes_into_the_running_set_and_must_be_python(bench, capsys):
    bench.fill()
    bench.start()
    assert bench.tool("pcp_main", bench.file("def broken(:\n")) == 1
    assert "is not sent" in capsys.readouterr().err
    new = waiting("the new program")
    assert bench.tool("pcp_main", bench.file(new)) == 0
    assert "/a/main.py: 1 sent" in capsys.readouterr().out
    bench.board.wait_for("reset")
    assert bench.path("a/main.py").read_text() == new
    listed = fileset.parse(bench.path("a/set.txt").read_text())
    assert listed.entries["main.py"] == fileset.entry(new.encode())
    bench.board.wait_for_words(b"the new program")


def test_a_board_without_sets_has_its_main_py_in_the_root(bench, capsys):
    bench.start()
    assert bench.tool("pcp_main", bench.file("print('new')\n")) == 0
    assert "the root is meant" in capsys.readouterr().err
    bench.board.wait_for("reset")
    assert bench.path("main.py").read_text() == "print('new')\n"


def test_a_relative_target_is_in_the_running_set_an_absolute_one_is_literal(bench, capsys):
    bench.fill(main=waiting("x"))
    bench.start()
    for remote, path in (
        ("lib/h2o/more.py", "a/lib/h2o/more.py"),
        ("data/", "a/data/file.txt"),
        ("../up.txt", "a/up.txt"),
        ("/data/x.txt", "data/x.txt"),
        ("/lib/", "lib/file.txt"),
    ):
        assert bench.tool("pcp", bench.file("new"), remote) == 0
        assert f"/{path}: 1 sent" in capsys.readouterr().out
        bench.board.wait_for("reset")
        assert bench.path(path).read_text() == "new"
    listed = fileset.parse(bench.path("a/set.txt").read_text()).entries
    assert {"lib/h2o/more.py", "data/file.txt", "up.txt"} <= set(listed)


def test_files_of_the_loader_want_force(bench, capsys):
    bench.use("-o no-such-port")
    for path in ("/boot.py", "/main.py", "/loader/sets.py", "/x/../running.txt", "//pins.txt"):
        assert bench.tool("pcp", bench.file("x"), path) == 1
        said = capsys.readouterr().err
        assert "belongs to the loader: --force" in said and "no-such-port" not in said
    for path in ("config.txt", "set.txt", "new/x.py"):
        assert bench.tool("pcp", bench.file("x"), path) == 1
        assert "is not for pcp" in capsys.readouterr().err
    bench.fill(main=waiting("x"))
    bench.start()
    assert bench.tool("pcp", bench.file("4 0\n"), "/pins.txt", "--force") == 0
    bench.board.wait_for("reset")
    assert bench.path("pins.txt").read_text() == "4 0\n"


def test_without_a_set_the_doors_of_the_loader_are_not_taken_for_a_program(bench, capsys):
    for path, data in manifest.rescue_files().items():
        bench.path(path).parent.mkdir(parents=True, exist_ok=True)
        bench.path(path).write_bytes(data)
    bench.start()
    assert bench.tool("pcp_main", bench.file("print('x')\n")) == 1
    assert "belongs to the loader" in capsys.readouterr().err


def test_a_missing_port_is_a_clear_error(bench, capsys):
    bench.use("-o no-such-port")
    assert bench.tool("pcp", bench.file("a")) == 1
    assert "pcp: /dev/no-such-port: no such port" in capsys.readouterr().err


def test_a_busy_port_is_a_clear_error(bench, capsys):
    bench.start()
    with bench.session():
        assert bench.tool("pcp", bench.file("a")) == 1
    assert "in use by another program" in capsys.readouterr().err


def test_a_port_that_somebody_reads_without_a_lock_is_busy_too(bench):
    if not pathlib.Path("/proc/self/fd").exists():
        pytest.skip("without /proc a tool cannot see who has a port open")
    bench.start()
    reader = os.open(bench.board.port, os.O_RDWR | os.O_NOCTTY)
    command = [sys.executable, ROOT / "scripts/pcp", bench.file("a"), "--params", bench.params]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    os.close(reader)
    assert done.returncode == 1
    assert f"(process {os.getpid()})" in done.stderr


def test_a_silent_board_is_a_clear_error(bench, capsys):
    bench.start()
    bench.board.mute = True
    assert bench.tool("pcp", bench.file("a"), wait_s=1) == 1
    assert "no board answers" in capsys.readouterr().err


def test_a_board_that_falls_silent_halfway_is_a_clear_error(bench, monkeypatch):
    monkeypatch.setattr(serialport, "_OK_LIMIT_S", 1.0)
    monkeypatch.setattr(serialport, "_AGAIN_LIMIT_S", 1.0)
    bench.start()
    with pytest.raises(Exception, match="stopped answering"), bench.session() as session:
        bench.board.mute = True
        session.run("print(1)", 1)


def test_a_disturbed_line_is_tried_again(bench):
    bench.start()
    bench.board.garble_after_bytes = 5000
    assert bench.tool("pcp", bench.file("y" * 8000)) == 0
    bench.board.wait_for("reset")
    assert (bench.flash / "file.txt").read_text() == "y" * 8000


def test_what_the_board_cannot_do_is_a_clear_error(bench, capsys):
    bench.start(occupied="x")
    assert bench.tool("pcp", bench.file("a"), "occupied.py/inside.txt") == 1
    assert "the board says: OSError" in capsys.readouterr().err


def test_firmware_that_reads_other_mpy_files_is_a_clear_error(bench, capsys, monkeypatch):
    bench.start()
    monkeypatch.setattr(fileset, "compiled_bytes", lambda file, root: b"M\x05\x00\x1f")
    assert bench.tool("cpall", PROFILE, "--mpy") == 1
    assert "leave --mpy out" in capsys.readouterr().err


def test_the_manifest_is_a_script_for_mpfshell_too(bench):
    bench.start()
    bench.board.wait_for("prompt")
    shell = [pathlib.Path(sys.executable).with_name("mpfshell"), "-o", f"ser:{bench.board.port}"]
    script = ["-s", ROOT / "profiles" / PROFILE / "manifest.mpf"]
    subprocess.run([*shell, *script], cwd=ROOT, capture_output=True, check=True)
    # mpfshell leaves the board at its prompt.
    with bench.session():
        pass
    bench.board.wait_for("reset")
    for file in manifest.device_files(PROFILE):
        assert (bench.flash / file.remote).read_bytes() == (ROOT / file.local).read_bytes()


def test_reset_arrives_at_the_port(bench, capsys):
    """A pseudo-terminal has no DTR line: that it is asked for one is all that can be seen."""
    bench.start()
    bench.use(f"-o ser:{bench.board.port} --reset")
    assert bench.tool("pcp", bench.file("a")) == 1
    assert "this port has no DTR line" in capsys.readouterr().err


def test_a_file_that_cannot_be_read_disturbs_no_board(bench, capsys):
    bench.use("-o no-such-port")
    assert bench.tool("pcp", "/no/such/file") == 1
    assert "pcp: /no/such/file: No such file or directory" in capsys.readouterr().err
