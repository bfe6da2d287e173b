"""The serial tools against real MicroPython behind a pseudo-terminal."""

import importlib.util
import os
import pathlib
import subprocess
import sys

import pytest

from epxhost import cli, install, manifest, serialport, toolchain
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

    def fill(self):
        """What cpall would have installed."""
        for file in manifest.device_files(PROFILE):
            target = self.flash / file.remote
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / file.local).read_bytes())

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


def test_an_installed_profile_is_byte_identical_and_imports(bench, capsys):
    bench.start()
    command = [sys.executable, ROOT / "scripts/cpall", PROFILE, "--params", bench.params]
    environment = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "0 already there" in done.stdout and "pcp_conf" in done.stdout
    reset = bench.board.wait_for("reset")
    assert reset["cause"] == "machine.reset()"
    assert 0 < reset["mostBytesBetweenFeeds"] < MOST_BYTES_UNFED
    files = manifest.device_files(PROFILE)
    for file in files:
        assert (bench.flash / file.remote).read_bytes() == (ROOT / file.local).read_bytes()
    assert not list(bench.flash.rglob("*.new"))
    with bench.session() as session:
        assert session.run("import epx.loop; print(epx.loop.uptime_s() >= 0)") == "True"

    # Nothing has changed, so nothing is sent.
    before = bench.board.received_bytes
    assert bench.tool("cpall", PROFILE) == 0
    assert f"0 sent, {len(files)} already there" in capsys.readouterr().out
    assert bench.board.received_bytes - before < 200 * len(files) + 4000


def test_a_damaged_file_is_repaired_and_config_txt_is_left_alone(bench, capsys):
    bench.fill()
    damaged = bench.flash / "lib/epx/loop.py"
    damaged.write_bytes(damaged.read_bytes()[:-100])
    (bench.flash / "config.txt").write_text("ssid mine\n")
    bench.start()
    assert bench.tool("cpall", PROFILE) == 0
    said = capsys.readouterr()
    assert "1 sent" in said.out and "pcp_conf" not in said.out
    bench.board.wait_for("reset")
    assert damaged.read_bytes() == (ROOT / "lib/epx/loop.py").read_bytes()
    assert (bench.flash / "config.txt").read_text() == "ssid mine\n"


def test_compiled_modules_replace_source_and_back(bench):
    bench.fill()
    bench.start()
    assert bench.tool("cpall", PROFILE, "--mpy") == 0
    bench.board.wait_for("reset")
    modules = {path.relative_to(bench.flash).as_posix() for path in bench.flash.rglob("*.*")}
    assert {"main.py", "boot.py", "lib/epx/loop.mpy"} <= modules
    source = [name for name in modules if name.startswith("lib/") and name.endswith(".py")]
    assert source
    assert not [name for name in source if (bench.flash / name).stat().st_size], "only empty ones"
    with bench.session() as session:
        assert session.run("import epx.loop; print(epx.loop.__file__)") == "/lib/epx/loop.mpy"
    bench.board.wait_for("reset")
    assert bench.tool("cpall", PROFILE) == 0
    bench.board.wait_for("reset")
    assert not list(bench.flash.rglob("*.mpy"))


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
    bench.fill()
    bench.start(main=FRAMEWORK_MAIN)
    assert bench.tool("pcp", bench.file("new")) == 0
    assert bench.board.wait_for("reset")["cause"] == "machine.reset()"
    left = sorted(path.name for path in bench.flash.glob("*.txt"))
    assert left == ["file.txt"], "exception.txt and reboot.txt are for faults"


def test_an_error_restarts_the_interrupted_appliance_too(bench, capsys):
    bench.start(main=f'Appliance = print\nAppliance("{PROFILE}")\n{BUSY_MAIN}')
    config = bench.file(GOOD_CONFIG.replace("maxflow 30", "maxflow many"))
    assert bench.tool("pcp_conf", config) == 1
    said = capsys.readouterr().err
    assert "line 7: maxflow" in said and "many" in said
    assert bench.board.wait_for("reset")["cause"] == "machine.reset()"
    assert not (bench.flash / "config.txt").exists()


def test_a_configuration_is_checked_with_the_keys_of_the_board(bench, capsys):
    bench.start(main=f'Appliance = print\nAppliance("{PROFILE}")\n')
    assert bench.tool("pcp_conf", bench.file(GOOD_CONFIG.replace("capacity", "capasity"))) == 1
    said = capsys.readouterr().err
    assert "line 4: capasity: unknown key, did you mean 'capacity'?" in said
    assert "blank is fine" not in said
    assert bench.tool("pcp_conf", bench.file(GOOD_CONFIG)) == 0
    assert f"keys of {PROFILE}" in capsys.readouterr().err
    bench.board.wait_for("reset")
    bench.board.wait_for("reset")
    assert (bench.flash / "config.txt").read_text() == GOOD_CONFIG


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


def test_main_py_can_be_sent_alone_and_must_be_python(bench, capsys):
    bench.start()
    assert bench.tool("pcp_main", bench.file("def broken(:\n")) == 1
    assert "is not sent" in capsys.readouterr().err
    assert bench.tool("pcp_main", bench.file("print('new')\n")) == 0
    bench.board.wait_for("reset")
    assert (bench.flash / "main.py").read_text() == "print('new')\n"


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
    monkeypatch.setattr(install, "compiled_bytes", lambda file: b"M\x05\x00\x1f")
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
