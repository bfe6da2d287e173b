"""An update of a receiver that polls: it gets its share of the time, and so do the buttons."""

import pathlib

from epxhost.fileset import FileSet
from testmock.simworld import installed
from testmock.simworld.pc import Faults, Pc
from testsuite.otacaller import KEY, open_port
from testsuite.otastory import link, running
from testsuite.story import MINUTES, SECONDS, sent, up

GATE = "EV1527:11259365"
CONFIG = (pathlib.Path(__file__).parent / "config.txt").read_text()


def start(world):
    installed.install(world.device, "rx433")
    world.device.flash.load("/config.txt", CONFIG + "otakey " + KEY + "\n")
    up(world)
    world.run_for(20 * SECONDS)
    world.device.flash.charge_time = True
    world.device.longest_turn_ms = 0


def send_everything(world, delay_ms=0):
    """All files of the set, changed; returns when they are committed."""
    files = installed.set_files("rx433")
    fileset = FileSet("rx433", 2, 0, {path: files[path] + b"# 2\n" for path in files})
    open_port(world)
    pc = Pc(world)
    pc.faults = Faults(delay_ms=delay_ms)
    return pc, pc.run(link(pc).run, lambda client: (client.send_set(fileset), client.commit()))


def test_an_update_comes_through_and_is_confirmed(world):
    start(world)
    began_ms = world.now_ms()
    pc, job = send_everything(world)
    pc.wait(job, 5 * MINUTES)
    assert world.now_ms() - began_ms < 30 * SECONDS
    assert running(world) == "b trial a ok"
    assert world.device.longest_turn_ms <= 125, world.device.longest_turn_ms
    world.device.reset()
    world.run_for(4 * MINUTES)
    assert running(world) == "b confirmed a"
    assert [cause for _, cause in world.device.resets] == [2]
    world.device.bench.parts["keyfob"].press(GATE)
    world.run_for(1 * SECONDS)
    assert [payload for _, payload in sent(world, "Keyfob")] == [GATE]


def test_buttons_are_heard_meanwhile(world):
    start(world)
    fob = world.device.bench.parts["keyfob"]
    pc, job = send_everything(world, delay_ms=200)
    for _ in range(5):
        fob.press(GATE, 12)  # half a second: every other eighth is listened to
        world.run_for(1500)
    pc.wait(job, 5 * MINUTES)
    world.run_for(1 * SECONDS)
    assert [payload for _, payload in sent(world, "Keyfob")] == [GATE] * 5
