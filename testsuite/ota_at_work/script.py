"""During an update the tank goes on: turns stay below 50 ms, values come in time."""

import itertools

from epxhost.otaclient import OtaClient
from testmock.simworld.pc import Faults, Pc
from testsuite import otastory
from testsuite.otacaller import open_port
from testsuite.otastory import is_whole, link, log, new_set, running, update
from testsuite.story import MINUTES, SECONDS, is_online, sent, stat, up

MOST_MS = 50


def start(world):
    """A tank that is being filled, on a flash that takes its time."""
    otastory.install_tank(world)
    up(world)
    device = world.device
    device.bench.parts["flow"].rate_hz = 48
    world.run_for(30 * SECONDS)
    device.flash.charge_time = True
    device.longest_turn_ms = 0


def everything(version):
    """A set of which every file is another one."""
    files = otastory.tank()
    return new_set({p: files[p] + b"# %d\n" % version for p in files}, version, "h2o")


def send(world, fileset, pc=None):
    pc = pc or Pc(world)

    def act(client):
        result = client.send_set(fileset)
        client.commit()
        return result

    return pc.do(15 * MINUTES, link(pc).run, act)


def gaps(times):
    return max(b - a for a, b in itertools.pairwise(times))


def was_at_work(world, begin_ms):
    """Has every value come in time since then, and the level been read each second?"""
    flow = [ms for ms, _ in sent(world, "Flow") if ms >= begin_ms - 11 * SECONDS]
    assert gaps(flow) <= 10_200, gaps(flow)
    assert all(value == "10.0" for ms, value in sent(world, "Flow") if ms >= begin_ms)
    assert not any("error" in line or "fault" in line for _, line in sent(world, "Log"))
    assert world.device.resets == [] and is_online(world)
    assert world.device.longest_turn_ms <= MOST_MS, world.device.longest_turn_ms
    return True


def test_a_whole_set(world):
    start(world)
    begin_ms = world.now_ms()
    open_port(world)
    fileset = everything(2)
    result = send(world, fileset)
    assert len(result.needed) == len(fileset.files)
    world.run_for(20 * SECONDS)
    assert was_at_work(world, begin_ms)
    assert running(world) == "b trial a ok" and is_whole(world, "b")


def test_the_level_is_seen_meanwhile(world):
    start(world)
    open_port(world)
    pc = Pc(world)
    pc.faults = Faults(delay_ms=200)
    begin_ms = world.now_ms()
    fileset = everything(2)
    job = pc.run(link(pc).run, lambda client: (client.send_set(fileset), client.commit()))
    for wet in (0b00011, 0b00111, 0b01111, 0b00001):
        world.device.bench.parts["expander"].inputs = 0xFFFF & ~wet
        world.run_for(5 * SECONDS)
        wanted = ",".join("01"[wet >> n & 1] for n in range(5))
        assert stat(world, "LevelSensorMap") == wanted, (stat(world, "LevelSensorMap"), wanted)
    pc.wait(job, 5 * MINUTES)
    assert was_at_work(world, begin_ms)


def test_over_an_older_set(world):
    start(world)
    flash = world.device.flash
    files = otastory.tank()
    older = {path: files[path] + b"# older\n" for path in files}
    older.update({"lib/gone/file%d.py" % n: b"x" * 3000 for n in range(20)})
    otastory.installed.install_set(flash, "h2o", "b", 1, changes=older)
    begin_ms = world.now_ms()
    open_port(world)
    send(world, everything(2))
    world.run_for(20 * SECONDS)
    assert was_at_work(world, begin_ms)
    assert is_whole(world, "b")


def test_when_nothing_differs(world):
    start(world)
    begin_ms = world.now_ms()
    open_port(world)
    fileset = new_set(version=1, profile="h2o")
    result = otastory.session(world, lambda client: client.send_set(fileset))
    assert not result.differs
    world.run_for(20 * SECONDS)
    assert was_at_work(world, begin_ms)


def test_single_files_and_hashes(world):
    start(world)
    begin_ms = world.now_ms()
    open_port(world)
    data = bytes([world.random.below(256) for _ in range(20_000)])

    def act(client):
        client.put("/data/certificate.der", data)
        client.hash("/data/certificate.der")
        client.put("/data/certificate.der", data[:5000])
        client.remove("/data/certificate.der")
        client.put("/config.txt", world.device.flash.content("/config.txt") + b"# new\n")
        client.send_files({"data.bin": data, "lib/third/ssd1306.py": None})
        client.commit()

    otastory.session(world, act)
    world.run_for(20 * SECONDS)
    assert was_at_work(world, begin_ms)


def test_a_transfer_that_is_gone_on_with(world):
    start(world)
    begin_ms = world.now_ms()
    open_port(world)
    pc = Pc(world)
    pc.faults = Faults(cut_sent=25_000)
    try:
        pc.do(1 * MINUTES, lambda: open_and_send(pc, everything(2)))
        raise AssertionError("not cut")
    except Exception as error:
        assert "lost" in str(error)
    result = send(world, everything(2))
    assert result.resumed > 15_000
    world.run_for(20 * SECONDS)
    assert was_at_work(world, begin_ms)


def open_and_send(pc, fileset):
    client = OtaClient(pc.connect("192.168.1.7", 1337), otastory.KEY)
    client.open()
    client.send_set(fileset)


def test_the_trial_itself(world):
    """With the new program the tank measures from the first seconds on, and is never away long."""
    start(world)
    update(world, new_set({"new.py": "x = 1\n"}, profile="h2o"))
    reset_ms = world.device.resets[0][0]
    up(world)
    assert world.now_ms() - reset_ms <= 5 * SECONDS
    assert world.run_until(lambda: running(world) == "b confirmed a", 3 * MINUTES)
    assert not any("fault" in line for line in log(world))
