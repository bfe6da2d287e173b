"""The PC's side of an update, against a device in memory that misbehaves on demand."""

import random
from struct import pack

import pytest

from epxhost import otaclient
from epxhost.errors import ToolError
from epxhost.fileset import FileSet
from epxhost.otaclient import (
    ADVICE,
    OtaBusy,
    OtaClient,
    OtaKeyError,
    OtaLink,
    OtaLocked,
    OtaRefused,
    reasons,
    wire,
)
from testsuite.tools import fake_ota_device as fake

OLD = {"main.py": b"print(1)\n", "lib/toy/a.py": b"a = 1\n" * 40, "lib/toy/gone.py": b"x\n"}


def noise(size, seed=1):
    """What no compression makes smaller."""
    return random.Random(seed).randbytes(size)


def new_set(version=2, **more):
    files = {**OLD, "main.py": b"print(2)\n", "lib/toy/big.py": noise(60_000), **more}
    del files["lib/toy/gone.py"]
    return FileSet("toy", version, 0, files)


@pytest.fixture
def device():
    made = fake.FakeDevice(OLD)
    yield made
    made.close()


class Waits(list):
    def __call__(self, seconds):
        self.append(seconds)


def link_to(device, key=fake.KEY, **more):
    said, waits = [], Waits()
    link = OtaLink(device.connect, key, say=said.append, sleep=waits, **more)
    link.said, link.waits = said, waits
    return link


def session(device, key=fake.KEY):
    client = OtaClient(device.connect(), key)
    client.open()
    return client


def update(client):
    sent = client.send_set(new_set())
    client.commit()
    client.reboot()
    return sent


def test_an_update_in_one_session(device):
    link = link_to(device)
    sent = link.run(update)
    assert sent.differs and sent.needed == ("lib/toy/big.py", "main.py") and not sent.resumed
    assert device.running == dict(new_set().files) and device.version == 2
    assert device.reboots == 1 and link.connections == 1
    assert sent.packed < link.sent < sent.packed * 1.05 + 1000
    assert 0 < link.received < 1500


def test_nothing_goes_over_the_wire_that_is_there(device):
    update(session(device))
    link = link_to(device)
    sent = link.run(lambda client: client.send_set(new_set()))
    assert not sent.differs and not sent.needed and link.sent < 150
    assert device.log[-2:] == [wire.REBOOT, wire.SAME]


def test_only_a_file_less_is_a_difference_too(device):
    files = FileSet("toy", 1, 0, {k: v for k, v in OLD.items() if "gone" not in k})
    client = session(device)
    sent = client.send_set(files)
    assert sent.differs and not sent.needed
    client.commit()
    assert "lib/toy/gone.py" not in device.committed


def test_asking_what_is_missing_stages_nothing(device):
    needed = session(device).needed(new_set())
    assert needed.differs and needed.paths == ("lib/toy/big.py", "main.py")
    assert device.staged is None


def test_a_list_may_take_several_records(device):
    more = {f"lib/toy/file_with_a_long_name_{i:03}.py": b"%d\n" % i for i in range(150)}
    client = session(device)
    client.send_set(new_set(**more))
    client.commit()
    assert device.log.count(wire.LIST) > 3 and len(device.committed) == 153


def test_no_more_than_the_window_is_under_way(device):
    update(session(device))
    assert fake.PROGRESS_BYTES <= device.most_ahead <= otaclient.WINDOW_BYTES


def test_the_progress_goes_from_begin_to_end(device):
    steps = []
    session(device).send_set(new_set(), progress=lambda *step: steps.append(step))
    done = [step[0] for step in steps]
    assert done == sorted(done) and done[0] == 0
    assert steps[-1][0] == steps[-1][1] and steps[-1][2] == "sending"


def test_single_files_of_the_set_are_staged_and_removed(device):
    client = session(device)
    assert client.send_files({"lib/toy/b.py": b"b = 1\n"}).needed == ("lib/toy/b.py",)
    assert client.send_files({"lib/toy/gone.py": None}).differs
    client.commit()
    assert device.committed["lib/toy/b.py"] == b"b = 1\n"
    assert "lib/toy/gone.py" not in device.committed and "main.py" in device.committed


@pytest.mark.parametrize("size", [0, 1, 2045, 2046, 50_000])
def test_files_at_the_root_are_put_hashed_and_removed(device, size):
    client = session(device)
    data = noise(size)
    assert client.put("/data.bin", data) == "it is there"
    assert device.root["/data.bin"] == data
    found = client.hash("/data.bin")
    assert found and found[0] == size
    client.remove("/data.bin")
    assert client.hash("/data.bin") is None


def test_a_firmware_is_sent_and_kept(device):
    client = session(device)
    image = noise(40_000)
    assert client.firmware(image, 6) == "written and checked"
    assert device.firmware == image and device.firmware_mpy == 6
    assert "is kept" in client.keep() and device.kept == 1


# Refusals.


def test_every_refusal_has_an_advice():
    assert set(ADVICE) == set(reasons.REFUSALS)


@pytest.mark.parametrize("name", reasons.REFUSALS)
def test_every_refusal_says_what_is_wrong_and_what_to_do(device, name):
    device.refuse[wire.LIST_END] = (name, "these words")
    with pytest.raises(OtaRefused, match="these words") as raised:
        session(device).send_set(new_set())
    assert raised.value.name == name
    assert name in str(raised.value) and ADVICE[name] in str(raised.value)


@pytest.mark.parametrize(
    "kind", [wire.BUNDLE, wire.DATA, wire.COMMIT, wire.LIST, wire.REBOOT, wire.LIST_BEGIN]
)
def test_a_refusal_of_any_record_is_heard(device, kind):
    device.refuse[kind] = ("file system", "28")
    link = link_to(device)
    with pytest.raises(OtaRefused, match="file system"):
        link.run(update)
    assert link.connections == 1 and not link.waits


def test_a_refusal_of_the_future_is_told_with_its_number(device):
    device.refuse[wire.LIST_END] = (99, "what nobody knows yet")
    with pytest.raises(OtaRefused, match="refusal 99: what nobody knows yet"):
        session(device).send_set(new_set())


# Who may.


def test_a_wrong_key_is_said_once_and_not_tried_again(device):
    link = link_to(device, key="another key, long enough")
    with pytest.raises(OtaKeyError, match="does not accept our key"):
        link.run(update)
    assert device.otakey_failures == 1 and not link.waits


def test_a_stranger_in_the_devices_place_is_not_talked_to(device):
    class Stranger(fake.FakeDevice):
        """Says that the key is right without knowing it."""

        def accept(self, sock):
            sock.recv(wire.HELLO_BYTES)
            sock.sendall(wire.ANSWER + bytes(1 + wire.NONCE_BYTES))
            sock.recv(wire.PROOF_BYTES)
            sock.sendall(bytes(wire.PROOF_BYTES))

        def _serve(self, sock):
            with sock:
                self.accept(sock)

    stranger = Stranger()
    link = link_to(stranger)
    with pytest.raises(OtaKeyError, match="not the device"):
        link.run(update)
    assert link.connections == 1
    stranger.close()


def test_the_second_one_is_told_who_holds_it(device):
    device.greetings.append((wire.BUSY, b"192.168.1.5"))
    link = link_to(device)
    with pytest.raises(OtaBusy, match=r"held by 192\.168\.1\.5") as raised:
        link.run(update)
    assert raised.value.holder == "192.168.1.5" and not link.waits


def test_a_commit_that_is_going_on_is_waited_for(device):
    device.greetings += [(wire.BUSY, b"a commit")] * 2
    link = link_to(device)
    link.run(update)
    assert device.reboots == 1 and len(link.waits) == 2 and "a commit" in link.said[0]


def test_a_lock_is_waited_for_and_said(device):
    device.greetings += [(wire.LOCKED, pack(">H", 8)), (wire.LOCKED, pack(">H", 1))]
    link = link_to(device)
    link.run(update)
    assert link.waits == [9, 2] and "trying again in 9 s" in link.said[0]
    assert device.reboots == 1


def test_a_lock_that_does_not_end_is_an_error(device):
    device.greetings += [(wire.LOCKED, pack(">H", 64))] * 5
    link = link_to(device)
    with pytest.raises(OtaLocked, match="locked for 64 s"):
        link.run(update)
    assert sum(link.waits) <= otaclient.MOST_WAIT_S


def test_a_status_of_the_future_is_a_clear_error(device):
    device.greetings.append((7, b""))
    with pytest.raises(ToolError, match="unknown status 7"):
        link_to(device).run(update)


# Lost connections.


def whole_update_bytes():
    device = fake.FakeDevice(OLD)
    link = link_to(device)
    link.run(update)
    device.close()
    return link.sent


@pytest.mark.parametrize("part", range(40))
def test_a_connection_lost_anywhere_is_gone_on_with(device, part):
    total = whole_update_bytes()
    device.break_after = [total * part // 40]
    link = link_to(device)
    sent = link.run(update)
    assert device.running == dict(new_set().files) and device.reboots >= 1
    assert (link.connections in (2, 3) and "connecting again" in link.said[0]) or part < 2
    if part > 10:
        assert sent.resumed or not sent.needed


def test_what_has_arrived_is_not_sent_again(device):
    device.break_after = [40_000]
    link = link_to(device)
    sent = link.run(update)
    assert 30_000 < sent.resumed <= 40_000
    assert link.sent < whole_update_bytes() + otaclient.WINDOW_BYTES + 2500


def test_three_times_in_a_row_is_once_too_often(device):
    device.break_after = [20_000, 5_000, 5_000, 5_000]
    link = link_to(device)
    with pytest.raises(ToolError, match=r"4 times in a row.*Start the same command again"):
        link.run(update)
    assert link.connections == 4
    assert link_to(device).run(update).resumed > 20_000


def test_our_own_lost_session_is_waited_for(device):
    device.break_after = [30_000]
    link = link_to(device, own_addresses=lambda sock: ("192.168.1.9",))
    link._sleep = lambda seconds: (
        link.waits.append(seconds),
        len(link.waits) == 1 and device.greetings.extend([(wire.BUSY, b"192.168.1.9")] * 3),
    )
    link.run(update)
    assert device.reboots == 1 and len(link.waits) == 4


def test_a_shut_port_is_said_at_once():
    def refuse():
        raise ConnectionRefusedError(111, "Connection refused")

    link = OtaLink(refuse, fake.KEY, sleep=pytest.fail)
    with pytest.raises(ToolError, match="otacmd DEVICE open"):
        link.run(update)


def test_nobody_there_is_tried_again_then_an_error():
    def time_out():
        raise TimeoutError("timed out")

    waits = Waits()
    with pytest.raises(ToolError, match="no connection to the device"):
        OtaLink(time_out, fake.KEY, sleep=waits).run(update)
    assert len(waits) == otaclient.MOST_RECONNECTS


def test_a_port_that_is_shut_for_a_moment_is_waited_for(device):
    refusals = []

    def connect():
        if device.log and len(refusals) < 2:
            refusals.append(1)
            raise ConnectionRefusedError(111, "Connection refused")
        return device.connect()

    device.break_after = [30_000]
    OtaLink(connect, fake.KEY, sleep=Waits()).run(update)
    assert device.reboots == 1 and len(refusals) == 2


def test_what_is_there_of_another_bundle_is_sent_anew(device):
    device.lie_about_resume = True
    sent = session(device).send_set(new_set())
    assert not sent.resumed and device.staged == dict(new_set().files)


@pytest.mark.parametrize("at", [22, 60, 90, 120, 160])
def test_a_flipped_bit_from_the_device_is_noticed(device, at):
    class Flipping:
        def __init__(self, sock):
            self._sock, self._count = sock, 0

        def recv(self, size):
            data = bytearray(self._sock.recv(min(size, 1)))
            if self._count == at and data:
                data[0] ^= 4
            self._count += len(data)
            return bytes(data)

        def __getattr__(self, name):
            return getattr(self._sock, name)

    client = OtaClient(Flipping(device.connect()), fake.KEY)
    with pytest.raises(ToolError):
        client.open()
        client.send_set(new_set())
    client.close()


def test_the_window_of_the_stream_fits_a_device():
    assert otaclient.WBITS <= wire.MOST_WBITS
