"""The connection is lost at every message of an update: what is missing is sent, and no more."""

import itertools

import pytest

from epxhost.errors import ToolError
from testmock.simworld.pc import Faults, Pc
from testsuite import otastory
from testsuite.otacaller import open_port, wire
from testsuite.otastory import SENSOR, installed, is_whole, link, new_set, running, runs_set
from testsuite.story import MINUTES, SECONDS

W = wire()
# What a list of all files takes, with the beginning and the end of a session.
MOST_BESIDES_DATA = 4000


def noise(world, size):
    """What cannot be compressed."""
    return bytes([world.random.below(256) for _ in range(size)])


def prepared(world):
    """A device with an open port, and an update with 27 KB in four files."""
    otastory.start(world)
    open_port(world)
    changes = {"data%d.bin" % n: noise(world, 9000) for n in range(3)}
    changes["lib/probe/sensor.py"] = SENSOR + "# new\n" + "# %s\n" % ("x" * 5000)
    return new_set(changes)


def as_before(world):
    """The device as it was before the update; it has not restarted."""
    flash = world.device.flash
    installed.remove_folder(flash, "/b")
    installed.run_set(flash, "a confirmed")


def send(client, fileset):
    result = client.send_set(fileset)
    client.commit()
    return result


def run(world, fileset, faults):
    """The update over a first connection with these faults, and more if they are needed."""
    pc = Pc(world)
    connect = pc.connect
    tries = []

    def connect_once_with_faults(*args):
        pc.faults = Faults() if tries else faults
        tries.append(world.now_ms())
        return connect(*args)

    pc.connect = connect_once_with_faults
    to_device = link(pc)
    result = pc.do(15 * MINUTES, to_device.run, lambda client: send(client, fileset))
    return result, pc.sockets


def messages(data, first):
    """Where the messages end that these bytes are: two plain ones, then records."""
    ends = [first, first + W.PROOF_BYTES]
    while ends[-1] < len(data):
        ends.append(ends[-1] + W.record_bytes(data[ends[-1] : ends[-1] + 2]))
    assert ends[-1] == len(data)
    return ends


def is_done(world, fileset):
    flash = world.device.flash
    assert running(world) == "b trial a ok" and is_whole(world, "b") and is_whole(world, "a")
    for path, content in fileset.files.items():
        assert flash.content("/b/" + path) == content, path
    return True


@pytest.mark.parametrize("how", ["reset", "end", "silence"])
@pytest.mark.parametrize("way", ["sent", "received"])
def test_at_every_message(world, way, how):
    fileset = prepared(world)
    result, (socket,) = run(world, fileset, Faults())
    assert is_done(world, fileset) and result.packed > 27_000 and result.resumed == 0
    ends = messages(getattr(socket, way), W.HELLO_BYTES)
    # hello, proof, begin and end of the list, list, bundle, its data, commit; and the answers
    assert len(ends) >= (14 if way == "sent" else 7)
    places = [0] + [place for end in ends for place in (end - 1, end)]
    resumed = 0
    for place in places[:-1]:
        as_before(world)
        result, sockets = run(world, fileset, Faults(**{"cut_" + way: place, "cut_how": how}))
        assert is_done(world, fileset), place
        assert len(sockets) >= 2, place
        # Data that has arrived is not sent again.
        data = result.packed - result.resumed if result.needed else 0
        again = sum(len(more.sent) for more in sockets[1:])
        assert again <= data * 1.05 + MOST_BESIDES_DATA * (len(sockets) - 1), (place, again)
        resumed = max(resumed, result.resumed)
        assert world.device.resets == []
    assert resumed >= (12_000 if way == "sent" else 8_000)
    world.run_for(70 * SECONDS)
    assert otastory.port_is_open(world)


def test_what_had_arrived_stays(world):
    """Record by record: after the loss the transfer begins where it was broken off."""
    fileset = prepared(world)
    sent, (socket,) = run(world, fileset, Faults())
    ends = messages(socket.sent, W.HELLO_BYTES)
    sizes = [b - a for a, b in itertools.pairwise(ends)]
    last = len(sizes) - 1 - sizes[::-1].index(W.MOST_RECORD) + 1  # the last full record of data
    first = last - sent.packed // W.MOST_BODY + 1  # the list may have full records, too
    assert last - first >= 5
    for number in range(first, last + 1):
        as_before(world)
        result, _ = run(world, fileset, Faults(cut_sent=ends[number], cut_how="end"))
        assert is_done(world, fileset)
        assert result.resumed == W.MOST_BODY * (number - first + 1)


def test_files_that_had_arrived_stay_even_with_another_update(world):
    fileset = prepared(world)
    otastory.session(world, lambda client: client.send_set(fileset))
    other = fileset._replace(files=dict(fileset.files, more=b"one more file"), version=3)
    result = otastory.session(world, lambda client: send(client, other))
    assert result.needed == ("more",) and is_done(world, other)


def test_it_can_be_lost_again_and_again(world):
    """Three times 3000 bytes further, then the tool gives up; the next call finds all of it."""
    fileset = prepared(world)
    pc = Pc(world)
    # Lists and greetings take some 5000 bytes.
    pc.faults = Faults(cut_sent=9000)
    resumed = []
    for _ in range(10):
        try:
            result = pc.do(15 * MINUTES, link(pc).run, lambda client: send(client, fileset))
            break
        except ToolError as error:
            assert "4 times in a row" in str(error), error
            bundle = world.device.flash.content("/b/new/bundle")
            resumed.append(len(bundle))
    assert is_done(world, fileset)
    assert resumed == sorted(set(resumed)) and result.resumed >= 12_000


@pytest.mark.parametrize("how", ["reset", "end", "silence"])
@pytest.mark.parametrize("when", ["before the commit", "before the reboot", "after the reboot"])
def test_at_the_end_of_it(world, when, how):
    fileset = prepared(world)
    device = world.device

    def all_of_it(client):
        client.send_set(fileset)
        client.commit()
        client.reboot()

    def recorded():
        pc = Pc(world)
        pc.do(5 * MINUTES, link(pc).run, all_of_it)
        return messages(pc.sockets[0].sent, W.HELLO_BYTES)

    ends = recorded()
    assert world.run_until(lambda: device.resets, 5 * SECONDS)
    device.power_cut()
    as_before(world)
    device.nvram["loader"] = {"boots": 0}
    device.power_on()
    runs_set(world, "a")
    open_port(world)
    place = ends[{"before the commit": -3, "before the reboot": -2, "after the reboot": -1}[when]]
    pc = Pc(world)
    connect = pc.connect

    def connect_once_with_faults(*args):
        pc.faults = Faults() if pc.sockets else Faults(cut_sent=place, cut_how=how)
        return connect(*args)

    pc.connect = connect_once_with_faults
    pc.do(15 * MINUTES, link(pc).run, all_of_it)
    assert world.run_until(lambda: running(world) == "b confirmed a", 5 * MINUTES)
    assert is_whole(world, "b") and is_whole(world, "a") and len(device.resets) == 2


def test_the_wifi_goes_in_the_middle(world):
    fileset = prepared(world)
    device = world.device
    pc = Pc(world)
    pc.faults = Faults(delay_ms=1000)
    job = pc.run(link(pc).run, lambda client: send(client, fileset))
    world.run_for(6 * SECONDS)
    assert not job.done
    device.wifi.drop()
    pc.faults = Faults()
    result = pc.wait(job, 10 * MINUTES)
    assert is_done(world, fileset) and result.needed
    assert device.resets == []


def test_the_broker_goes_in_the_middle(world):
    """The session does not need it."""
    fileset = prepared(world)
    pc = Pc(world)
    pc.faults = Faults(delay_ms=500)
    job = pc.run(link(pc).run, lambda client: send(client, fileset))
    world.run_for(3 * SECONDS)
    world.broker.stop()
    pc.wait(job, 10 * MINUTES)
    assert len(pc.sockets) == 1 and is_done(world, fileset)
