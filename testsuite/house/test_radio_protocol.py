"""docs/radio-protocol.md says what the code does. Its vectors and costs are made from the sources
(test_docs.py looks whether they are fresh), and computed by other means in testsuite/tools."""

import ast
import re
import struct

import pytest

from epxhost.devicelib import device_module
from epxhost.door import ROOT

PAGE = (ROOT / "docs" / "radio-protocol.md").read_text(encoding="utf-8")
USER_PAGE = (ROOT / "docs" / "radio.md").read_text(encoding="utf-8")

wire = device_module("epx.nowwire")

# What is said, and the constant whose value stands there.
NUMBERS = (
    ("at most {} bytes, the payload of one frame", "MOST_BYTES"),
    ("A payload has at most {} bytes", "MOST_PAYLOAD"),
    ("from {} to 236 bytes", "LEAST_BYTES"),
    ("what is at most {} ms off its own time", "_WINDOW_MS"),
    ("if it has contact: what is at most {} ms off", "_TOLERANCE_MS"),
    ("4 TIDs of WAKEUP or PING", "_MOST_ASKED"),
    ("per {} packets and per loss of power", "_NVRAM_BLOCK"),
    ("{} are reserved in the RAM of the clock", "_RTC_BLOCK"),
    ("one exchange per {} s", "_EXCHANGE_S"),
    ('broadcasts for "who is there?" one per {} s', "_ASKED_S"),
    ("opens the window for {} s", "_OPEN_S"),
    ("the next broadcast comes now, at most one per {} s", "_LOST_S"),
    ("on each of {} channels", "_CHANNELS"),
    ("once per second, {} times", "_ASKS_PER_CHANNEL"),
    ("pairs in NVRAM of the central | {} |", "MOST_PAIRS"),
    ("keys that are ready (1.5 KB each) | {} |", "_WARM"),
    ("confirmations that wait for the broker | {} |", "_MOST_UNSETTLED"),
    ("back data | {} for one peripheral", "_MOST_EACH"),
    ("for one peripheral, {} together", "_MOST"),
    ("unsent messages of a peripheral | {} |", "MOST_UNSENT"),
    ("receive buffer of the driver | {} bytes", "_RX_BYTES"),
    ("addresses that the driver has heard | {} |", "_MOST_SENDERS"),
    ("the first {} bytes of HMAC over all before it", "TAG_BYTES"),
    ("a blob of {} bytes (identity, S, order)", "_SIZE"),
    ("budget of searches, {} bytes", "_SIZE"),
    ("A peripheral keeps {} bytes", "_PAIR_BYTES"),
    ("on a battery {} s after a confirmation with HOLDS", "_HELD_S"),
)
# The same, where the page says s and the constant ms.
SECONDS = (
    ("what is at most {} s off: the clock", "_WAKEUP_WINDOW_MS"),
    ("by {} s at most. Else", "_AHEAD_MS"),
    ("once per {} s, a PING", "_PING_MS"),
    ("{} s after its start at the earliest", "_PREPARE_MS"),
    ("times every {} s", "_EXCHANGE_MS"),
    ("within {} s of the last of them", "ANSWER_MS"),
    ("at most {} s off the time that is known", "ANSWER_MS"),
    ("After {} s, or what the caller says", "_DEADLINE_MS"),
    ("tried every {} s while the device is awake", "_LATER_MS"),
    ("Broadcasts come every {} to 35 s", "_BROADCAST_MS"),
    ("stays awake for {} s while MORE_WAITS", "_MORE_MS"),
    ("it then takes {} s of it", "_PAIR_AGAIN_MS"),
    ("may overdraw it by {} s", "_DEBT_MS"),
)


def constants():
    """name -> its values in the modules of the radio."""
    found = {}
    for path in [*(ROOT / "lib/epx").glob("now*.py"), *(ROOT / "lib/epx").glob("netnow*.py")]:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(args=[value])):
                    pass
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    pass
                case _:
                    continue
            try:
                found.setdefault(name, []).append(ast.literal_eval(value))
            except ValueError:
                continue
    return found


CONSTANTS = constants()


@pytest.mark.parametrize(("said", "name"), NUMBERS)
def test_numbers_are_those_of_the_code(said, name):
    values = CONSTANTS[name]
    assert any(said.format(value).lower() in PAGE.lower() for value in values), values


@pytest.mark.parametrize(("said", "name"), SECONDS)
def test_durations_are_those_of_the_code(said, name):
    values = [f"{value / 1000:g}" for value in CONSTANTS[name]]
    assert any(said.format(value) in PAGE for value in values), values


def test_the_layout_is_that_of_a_packet():
    rows = re.findall(r"^\| (\d+) \| (\d+|16 n) \| (\w+)", PAGE, re.MULTILINE)
    assert [name for _, _, name in rows] == [
        *("version", "type", "network", "peer", "counter", "TID", "ciphertext")
    ]
    group = wire.Group("a", "b")
    tid, peer = bytes(range(100, 112)), b"peer's"
    time = bytes(range(50, 62))
    packet = group.up.seal((wire.DATA, wire.CONFIRMED), peer, 77, tid, time, 4321, b"payload")
    at = {name: (int(offset), size) for offset, size, name in rows}

    def field(name):
        offset, size = at[name]
        return packet[offset : offset + int(size)]

    assert field("version") == b"\x03" and wire.VERSION == 3
    assert field("type") == bytes([wire.DATA])
    assert field("network") == group.network and field("peer") == peer
    assert field("counter") == struct.pack(">I", 77) and field("TID") == tid
    assert at["ciphertext"][0] == wire.HEAD_BYTES
    assert len(packet) == wire.HEAD_BYTES + 32 + wire.TAG_BYTES
    body = group.up.body(packet[12:28], packet[28:-16])
    assert body == bytes([7, wire.CONFIRMED]) + time + struct.pack(
        ">H", 4321
    ) + b"payload" + bytes(9)
    longest = wire.HEAD_BYTES + wire.PLAIN_BYTES + wire.MOST_PAYLOAD + wire.TAG_BYTES
    assert longest == 236 <= wire.MOST_BYTES
    with pytest.raises(ValueError):
        group.up.seal((1, 0), peer, 1, tid, time, 0, bytes(wire.MOST_PAYLOAD + 1))


def test_every_type_and_kind_has_its_number():
    rows = re.findall(r"^\| (\d) \| ([A-Z]+) \|([^|]*)\|([^|]*)\|$", PAGE, re.MULTILINE)
    told = {name: (int(number), up, down) for number, name, up, down in rows}
    assert {name: row[0] for name, row in told.items()} == {
        name: getattr(wire, name) for name in ("DATA", "TIME", "PING", "PAIRING", "WAKEUP")
    }
    kinds = {
        ("DATA", 1): {"not to be": wire.NOT_CONFIRMED, "to be": wire.CONFIRMED, "receipt": 3},
        ("TIME", 2): {
            "broadcast": wire.BROADCAST,
            "confirmation": wire.CONFIRM,
            "back data": wire.BACK_DATA,
        },
        ("PAIRING", 1): {"who": wire.ASK, "exchange": wire.EXCHANGE},
        ("PAIRING", 2): {"agreed": wire.AGREED, "known": wire.KNOWN, "later": wire.LATER},
    }
    assert wire.RECEIPT == 3
    for (name, column), wanted in kinds.items():
        found = {
            words: int(number)
            for number, words in re.findall(r"(\d): ([a-z ]+)", told[name][column])
        }
        assert len(found) == len(wanted)
        for words, number in wanted.items():
            assert [n for text, n in found.items() if text.startswith(words)] == [number]


def test_flags_are_those_of_the_code():
    flags = {name: int(number) for number, name in re.findall(r"(\d+) \(([A-Z_]+)\)", PAGE)}
    assert flags == {
        name: getattr(wire, name)
        for name in ("NO_UPDATE", "ON_TRIAL", "UPDATE_WAITS", "MORE_WAITS", "HOLDS")
    }
    assert "mV (14 bits" in PAGE and wire.MILLIVOLTS == (1 << 14) - 1


def test_a_request_to_pair_has_the_lengths_that_are_told():
    row = next(line for line in PAGE.splitlines() if line.startswith("| exchange | "))
    told = [int(number) for number in re.findall(r"\b\d+\b", row)]
    key = wire.KEY_BYTES
    assert told == [key, key, 2 * key] and CONSTANTS["_REQUEST_BYTES"] == [(key, 2 * key)]


def test_every_reason_has_its_number():
    told = re.findall(r"^\| (\d) \| ([a-z ]+) \|", PAGE, re.MULTILINE)
    assert {int(number): name for number, name in told} == dict(enumerate(CONSTANTS["REASONS"][0]))


def test_words_of_keys_are_those_of_the_code():
    text = "".join(path.read_text() for path in (ROOT / "lib/epx").glob("now*.py"))
    used = set(re.findall(r'b"(epx now 3 [a-z ]+?) ?"', text))
    told = set(re.findall(r"`(epx now 3 [a-z ]+)`", PAGE))
    assert {re.sub(" (up|down)$", "", words) for words in told} == used


def test_what_is_kept_has_the_size_that_is_told():
    layouts = CONSTANTS["_LAYOUT"]
    assert sorted(map(struct.calcsize, layouts)) == sorted(CONSTANTS["_SIZE"]) == [24, 42]
    # Index, head of the data, and data in entries of 32 bytes: nvs_flash, NVS version 2.
    entries = 2 + -(-42 // 32)
    assert f"{entries * 32} bytes, {entries * 32 * CONSTANTS['MOST_PAIRS'][0]:,} for" in PAGE
    pages = 24 * 1024 // 4096 - 1
    assert entries * 32 * CONSTANTS["MOST_PAIRS"][0] < pages * 126 * 32


def test_so_many_messages_are_remembered():
    marks = [CONSTANTS[name][0] // (1 + wire.TID_BYTES) for name in ("_DELIVERED", "_REMEMBERED")]
    assert "of others | {}, {} for each peer |".format(*marks) in PAGE


def test_the_page_for_owners_has_every_reason_that_a_log_may_show():
    for reason in CONSTANTS["REASONS"][0]:
        if reason not in ("no packet has this length", "not for this role"):
            assert f"refused: {reason}`" in USER_PAGE, reason
