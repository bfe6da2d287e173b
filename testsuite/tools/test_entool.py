"""entool's commands that need no air: packets built, shown, and checked in recordings."""

import importlib.util
from struct import pack

import pytest

from epxhost import cli, nowcapture, nowkeys, nowpackets
from epxhost.door import ROOT
from epxhost.errors import ToolError
from epxhost.nowcapture import Frame
from epxhost.nowcheck import Check
from epxhost.nowkeys import Pair, Pairs, Radio
from epxhost.nowpackets import Keys, build, open_packet, wire

spec = importlib.util.spec_from_file_location("nowvectors", ROOT / "testsuite/unit/nowvectors.py")
vectors = importlib.util.module_from_spec(spec)
spec.loader.exec_module(vectors)

BY_NAME = {row[0]: row for row in vectors.PACKETS}
PEER = bytes.fromhex(vectors.PERIPHERAL)
SECRET = bytes.fromhex(vectors.PAIR_SECRET)
ALL = b"\xff" * 6
TIME_0 = int.from_bytes(bytes.fromhex("4b1d0c0ffee0123456789abc"), "big")
# What entool calls each packet of the vectors.
NAMES = (
    "ask", "time", "exchange", "exchange", "agreed", "known", "later", "wakeup", "confirm",
    "ping", "data", "data-confirmed", "confirm", "back-data", "receipt", "receipt",
    "data-confirmed",
)  # fmt: skip


@pytest.fixture
def keys():
    return Keys(vectors.PSK, vectors.GROUP, {PEER: SECRET})


@pytest.fixture
def pairs(tmp_path):
    path = tmp_path / "pairs.json"
    Pairs(path).put(PEER, Pair(SECRET, bytes.fromhex(vectors.PROOF)))
    return path


@pytest.fixture(autouse=True)
def psk(monkeypatch):
    monkeypatch.setenv("EPX_ESPNOWPSK", vectors.PSK)


def run(*arguments):
    return cli.main("entool", [str(argument) for argument in arguments])


def vector(name):
    return bytes.fromhex(BY_NAME[name][-1])


def sealed(keys, name, counter, time_ms, payload=b"", tid=None):
    sort = nowpackets.SORTS[name]
    peer = wire.EVERYBODY if name == "time" else PEER
    time = (TIME_0 + time_ms).to_bytes(12, "big")
    channel = keys.channel(sort.owner, sort.direction, peer)
    tid = tid or counter.to_bytes(12, "big")
    return build(channel, sort, peer, counter, tid, time, 0, payload)


def frame(ms, data, source=PEER, destination=ALL):
    return Frame(ms, 6, source, destination, data)


def broadcast(keys, ms, time_ms):
    return frame(ms, sealed(keys, "time", 1, time_ms, bytes(6) + b"\x06"))


# Building.


@pytest.mark.parametrize(("row", "name"), list(zip(vectors.PACKETS, NAMES, strict=True)))
def test_it_builds_the_vectors(row, name, pairs, capsys):
    _, _, _, peer, counter, tid, time, extra, payload, packet = row
    options = ["--group", vectors.GROUP, "--pairs", pairs, "--peer", peer, "--counter", counter]
    options += ["--tid", tid, "--time", time, "--extra", extra, "--payload", payload]
    assert run("build", name, *options) == 0
    assert capsys.readouterr().out == f"{packet}\n"


def test_what_is_not_said_is_random_or_nothing(capsys):
    assert run("build", "ask", "--group", vectors.GROUP) == 0
    assert run("build", "ask", "--group", vectors.GROUP) == 0
    one, other = capsys.readouterr().out.split()
    assert one[:32] == other[:32] == f"0304{vectors.NETWORK}00000000000000000001"
    assert one[32:56] != other[32:56]


def test_a_type_that_there_is_not(capsys):
    assert run("build", "time", "--group", vectors.GROUP, "--type", 66, "--kind", 9) == 0
    assert capsys.readouterr().out.startswith("0342")


def test_what_cannot_be_built(pairs, capsys):
    group = ("--group", vectors.GROUP)
    assert run("build", "data", *group, "--peer", "0200000000ff", "--pairs", pairs) == 1
    assert "no secret of 0200000000ff" in capsys.readouterr().err
    too_long = ["--payload", "00" * 177]
    assert run("build", "ask", *group, *too_long) == 1
    assert "at most 176 bytes, not 177" in capsys.readouterr().err
    assert run("build", "ask", *group, "--peer", "12") == 1
    assert "want 12 hex digits" in capsys.readouterr().err
    assert run("build", "data", *group, "--tell", "nothing") == 1


# Keys.


def test_keys_of_a_config_file(tmp_path, capsys):
    path = tmp_path / "config.txt"
    path.write_text(f"espnowpsk {vectors.PSK}\nespnowgroup {vectors.GROUP}\nespnowchannel 11\n")
    assert nowkeys.radio(path, None) == Radio(vectors.PSK, vectors.GROUP, 11, False)
    assert run("show", vector("time for everybody").hex(), "--config", path) == 0
    assert "central 240ac4000201 on channel 6" in capsys.readouterr().out
    path.write_text("espnowgroup x\n")
    with pytest.raises(ToolError, match="espnowpsk: missing"):
        nowkeys.radio(path, None)


def test_without_a_psk_it_says_where_to_put_it(monkeypatch, capsys):
    monkeypatch.delenv("EPX_ESPNOWPSK")
    assert run("build", "ask", "--group", "ble") == 1
    assert "EPX_ESPNOWPSK" in capsys.readouterr().err
    assert run("build", "ask") == 1
    assert "--config FILE" in capsys.readouterr().err


def test_pairs_are_kept_and_nobody_else_reads_them(pairs):
    again = Pairs(pairs)
    assert again.secrets() == {PEER: SECRET}
    assert pairs.stat().st_mode & 0o77 == 0
    pairs.chmod(0o644)
    with pytest.raises(ToolError, match="chmod 600"):
        Pairs(pairs)
    pairs.chmod(0o600)
    pairs.write_text('{"key": "secret words"}')
    with pytest.raises(ToolError) as error:
        Pairs(pairs)
    assert "secret words" not in str(error.value)


# Showing.


def shown(capsys, packet, *options):
    assert run("show", packet.hex(), *options) == 0
    return capsys.readouterr().out


def test_without_keys_it_shows_what_everybody_can_see(capsys):
    said = shown(capsys, vector("a reading to confirm"))
    assert "counter        1030" in said and vectors.PERIPHERAL in said
    assert "not checked, no key" in said and "payload" not in said


def test_with_keys_it_shows_all(pairs, capsys):
    group = ("--group", vectors.GROUP, "--pairs", pairs)
    said = shown(capsys, vector("a reading to confirm"), *group)
    for words in ("'stat/TNow/YourRSSI\\n-40'", "3712 mV", "of the pair, up", ": accepted\n"):
        assert words in said
    assert vectors.PAIR_SECRET not in said and vectors.PSK not in said.split()
    said = shown(capsys, vector("confirmed, more waits and an update"), *group)
    assert "an update waits, more waits" in said and "for TID abab" in said


def test_it_says_why_a_device_would_refuse_it(pairs, capsys):
    group = ("--group", vectors.GROUP, "--pairs", pairs)
    good = vector("a reading to confirm")
    cases = {
        nowpackets.OTHER_VERSION: b"\x02" + good[1:],
        nowpackets.LENGTH: good[:-1],
        nowpackets.OTHER_NETWORK: good[:2] + b"none" + good[6:],
        nowpackets.ROLE: good[:1] + b"\x42" + good[2:],
        nowpackets.NOT_AUTHENTIC: good[:-1] + bytes((good[-1] ^ 1,)),
    }
    for reason, packet in cases.items():
        assert f"refused, {reason}\n" in shown(capsys, packet, *group)
    stranger = good[:6] + bytes(6) + good[12:]
    assert "its pair is not known" in shown(capsys, stranger, *group)
    assert "refused, replay" in shown(capsys, good, *group, "--last-counter", 1030)
    later = (TIME_0 + 2100 + 1001).to_bytes(12, "big").hex()
    assert "refused, wrong time" in shown(capsys, good, *group, "--now", later)
    just = (TIME_0 + 2100 + 1000).to_bytes(12, "big").hex()
    options = ("--now", just, "--last-counter", 1029)
    assert ": accepted\n" in shown(capsys, good, *group, *options)


def test_checks_come_in_the_order_of_the_device(keys):
    good = vector("a reading to confirm")
    assert open_packet(b"\x02" + bytes(7), keys).reason == nowpackets.OTHER_VERSION
    assert open_packet(b"\x03" + bytes(7), keys).reason == nowpackets.LENGTH
    assert open_packet(b"\x03\x42" + bytes(58), keys).reason == nowpackets.OTHER_NETWORK
    for damaged in (good[:3] + b"!" + good[4:-1] + b"!", good[:2] + bytes(4) + good[6:]):
        assert open_packet(damaged, keys).reason == nowpackets.OTHER_NETWORK
    assert open_packet(b"", keys).reason == nowpackets.LENGTH


# Recordings.


def test_a_recording_is_read_as_it_was_written(tmp_path):
    frames = [frame(12, b"\x03\x01"), frame(15, b"", destination=PEER)]
    path = tmp_path / "air.txt"
    nowcapture.write(path, frames)
    assert nowcapture.read(path) == frames
    path.write_text("# good\n12 6 0200 ffffffffffff 00\n")
    with pytest.raises(ToolError, match="line 2: want addresses"):
        nowcapture.read(path)
    path.write_text("12 6 nonsense\n")
    with pytest.raises(ToolError, match="line 1: want ms, channel"):
        nowcapture.read(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ToolError, match="neither"):
        nowcapture.read(path)
    with pytest.raises(ToolError, match="No such file"):
        nowcapture.read(tmp_path / "nowhere")


def action_frame(data, source=PEER, destination=ALL, organization=b"\x18\xfe\x34"):
    header = b"\xd0\x00\x00\x00" + destination + source + ALL + b"\x10\x00"
    content = organization + b"\x04\x01" + data
    element = bytes((221, len(content))) + content
    return header + b"\x7f" + organization + b"abcd" + element + b"FCS!"


def radiotap(frame, mhz=2437):
    """With a time, flags, a rate, a channel; and a second word of fields, which is empty."""
    fields = bytes(8) + b"\x10\x02" + pack("<HH", mhz, 0x00A0) + b"\xd0"
    present = pack("<II", 0x8000002F, 0)
    fields = bytes(-(4 + len(present)) % 8) + fields
    return pack("<BBH", 0, 0, 4 + len(present) + len(fields)) + present + fields + frame


def pcap(kind, records, order="<", magic=0xA1B2C3D4):
    data = pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, kind)
    for microseconds, record in records:
        seconds, rest = divmod(microseconds, 1_000_000)
        data += pack(order + "IIII", seconds, rest, len(record), len(record)) + record
    return data


def test_a_recording_of_a_sniffer(tmp_path):
    path = tmp_path / "air.pcap"
    packet = vector("a reading to confirm")
    others = [b"\x80" + bytes(60), action_frame(b"x", organization=b"\x00\x11\x22"), b""]
    records = [(5_000_000, radiotap(action_frame(packet)))]
    records += [(5_100_000, radiotap(other)) for other in others]
    records += [(5_250_000, radiotap(action_frame(packet, ALL, PEER), 2484)), (6_000_000, b"\0")]
    path.write_bytes(pcap(127, records))
    expected = [Frame(0, 6, PEER, ALL, packet), Frame(250, 14, ALL, PEER, packet)]
    assert nowcapture.read(path) == expected
    path.write_bytes(pcap(105, [(0, action_frame(packet))], ">"))
    assert nowcapture.read(path) == [Frame(0, 0, PEER, ALL, packet)]
    path.write_bytes(pcap(1, []))
    with pytest.raises(ToolError, match="not of type 1"):
        nowcapture.read(path)
    path.write_bytes(b"\x0a\x0d\x0d\x0a" + bytes(40))
    with pytest.raises(ToolError, match="editcap"):
        nowcapture.read(path)
    # Cut off at any byte it raises nothing else.
    whole = pcap(127, records[:1])
    for size in range(24, len(whole)):
        path.write_bytes(whole[:size])
        assert nowcapture.read(path) in ([], expected[:1])


def reasons(keys, frames):
    check = Check(keys)
    return [check.add(one).reason for one in frames], check


def test_replays_are_found_with_and_without_keys(keys):
    good = frame(0, vector("a reading to confirm"))
    frames = [good, good._replace(ms=20), good._replace(ms=5000)]
    for known in (keys, None):
        found, check = reasons(known, frames)
        assert found == [None, None, nowpackets.REPLAY] and check.copies == 1


def test_counters_times_and_tids_are_followed(keys):
    text = b"stat/TNow/Value\n1"
    data = "data-confirmed"
    steps = [
        (broadcast(keys, 0, 0), None),
        (frame(100, sealed(keys, data, 10, 100, text)), None),
        (frame(350, sealed(keys, data, 11, 350, text, (10).to_bytes(12, "big"))), None),
        (frame(400, sealed(keys, data, 11, 400, text)), nowpackets.REPLAY),
        (frame(500, sealed(keys, "ping", 15, 1502)), nowpackets.WRONG_TIME),
        (frame(500, sealed(keys, "wakeup", 16, 600_500)), None),
        (frame(500, sealed(keys, "wakeup", 17, 600_501)), nowpackets.WRONG_TIME),
        (frame(600, sealed(keys, "ping", 18, 600, b"", (16).to_bytes(12, "big"))), "replay"),
        (frame(700, sealed(keys, "data", 19, 700, b"no topic")), nowpackets.CONTENT),
    ]
    found, check = reasons(keys, [step[0] for step in steps])
    assert found == [step[1] for step in steps]
    assert check.repeated == 1
    memory = check.history.peers[PEER]
    assert (memory.received, memory.lost) == (5, 5)


def test_a_central_that_starts_anew_is_believed_at_its_second_broadcast(keys):
    frames = [broadcast(keys, 30_000 * n, 30_000 * n) for n in range(2)]
    frames += [broadcast(keys, 60_000 + 30_000 * n, 10**9 + 30_000 * n) for n in range(2)]
    frames.append(frame(90_100, sealed(keys, "ping", 7, 10**9 + 30_100)))
    assert reasons(keys, frames)[0] == [None, None, nowpackets.WRONG_TIME, None, None]


def test_check_tells_figures_and_its_status(pairs, tmp_path, capsys):
    path = tmp_path / "air.txt"
    good = vector("a reading to confirm")
    confirm = vector("confirmed, more waits and an update")
    frames = [frame(0, good), frame(12, confirm), frame(99, vector("receipt of back data"))]
    nowcapture.write(path, frames)
    options = (path, "--group", vectors.GROUP, "--pairs", pairs)
    assert run("check", *options) == 0
    said = capsys.readouterr().out
    assert "3 packets in 0.1 s" in said and "within 12 ms (median)" in said
    assert f"{vectors.PERIPHERAL}: 2 accepted, 0 % lost\n" in said
    forged = good[:12] + b"\x7f" + good[13:]
    spoofed = vector("receipt: I know that an update waits")
    frames += [frame(200, forged), frame(900, good), frame(950, spoofed, b"\x02" * 6)]
    nowcapture.write(path, frames)
    assert run("check", *options, "--list") == 1
    said = capsys.readouterr().out
    assert "200 ms, packet 4: data: refused, not authentic" in said
    assert "refused, replay: 1" in said and "refused, not authentic: 1" in said
    assert "3 accepted, 0 % lost, from 2 addresses" in said
    assert run("show", *options) == 0
    assert capsys.readouterr().out.count("verdict") == 6


def test_check_without_keys_counts_types(tmp_path, capsys):
    path = tmp_path / "air.txt"
    nowcapture.write(path, [frame(0, vector("awake")), frame(1, b"\x02" + bytes(80))])
    assert run("check", path) == 1
    said = capsys.readouterr().out
    assert "wakeup               1" in said and "not opened: no key: 1" in said
    assert "another version of the protocol: 1" in said
