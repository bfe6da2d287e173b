"""docs/ota-protocol.md says what the code does; its example is computed by other means."""

import hashlib
import hmac
import re
import struct

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from epxhost import fileset
from epxhost.devicelib import device_module
from epxhost.door import ROOT

PAGE = (ROOT / "docs" / "ota-protocol.md").read_text(encoding="utf-8")
OTAKEY = "sixteen letters and more"
# Which keys a record of the example was made with, and its number.
RECORDS = ((3, 4, 0), (3, 4, 1), (5, 6, 0))

wire = device_module("epx.otawire")
keys_of = device_module("epx.otakeys")
paths = device_module("epx.otapaths")
owner = device_module("epx.otaowner")
reasons = device_module("epx.otarefusals")


def shown(name):
    """The bytes of all lines of the examples that begin with name."""
    found = re.findall(rf"^{name} +([0-9a-f ]+)$", PAGE, re.MULTILINE)
    assert found, name
    return [bytes.fromhex(line) for line in found]


def digest(key, *parts):
    return hmac.new(key, b"".join(parts), hashlib.sha256).digest()


def encrypt(key, mode, data):
    return Cipher(algorithms.AES(key), mode).encryptor().update(data)


@pytest.fixture
def keys():
    """As RFC 5869 has them, from hello and answer of the page."""
    salt = shown("hello")[0][4:] + shown("answer")[0][4:]
    secret = digest(salt, OTAKEY.encode())
    found = [b""]
    for number in range(1, 7):
        found.append(digest(secret, found[-1], b"epx ota 1", bytes([number])))
    return found


def test_the_example_is_what_the_page_tells(keys):
    hello, answer = shown("hello")[0], shown("answer")[0]
    assert [shown(f"key {number}")[0] for number in range(1, 7)] == keys[1:]
    assert shown("proof of the PC") == [digest(keys[1], hello, answer)]
    assert shown("its answer") == [digest(keys[2], hello, answer)]
    lines = zip(RECORDS, shown("plaintext"), shown("vector"), shown("record"), strict=True)
    for (cipher, mac, number), plain, vector, record in lines:
        assert vector == encrypt(keys[cipher], modes.ECB(), number.to_bytes(16, "big"))
        sealed = struct.pack(">H", len(plain)) + encrypt(keys[cipher], modes.CBC(vector), plain)
        assert record == sealed + digest(keys[mac], number.to_bytes(8, "big"), sealed)[:16]


def test_the_example_is_what_the_code_makes():
    hello, answer = shown("hello")[0], shown("answer")[0]
    assert (hello[:4], answer[:4]) == (wire.HELLO, wire.ANSWER + bytes([wire.WELCOME]))
    keys = keys_of.Keys(OTAKEY, hello, answer)
    assert keys.pc_proof == shown("proof of the PC")[0]
    assert keys.device_proof == shown("its answer")[0]
    assert shown("record") == [
        keys.from_pc.seal(wire.HASH, b"/pair.txt"),
        keys.from_pc.seal(wire.HASH, b"/certs/ca.der"),
        keys.from_device.seal(wire.DONE),
    ]


def test_every_type_of_record_has_its_row():
    told = {
        name: int(number) for number, name in re.findall(r"^\| (\d+) \| ([A-Z_]+) \|", PAGE, re.M)
    }
    assert sorted(told.values()) == [*range(1, 14), *range(129, 137)]
    for name, number in told.items():
        assert getattr(wire, name) == number


def test_every_reason_has_its_number():
    told = re.findall(r"\| (\d+) ([a-z][a-z ]+?) (?=\|)", PAGE)
    assert [(int(number), name) for number, name in told] == list(enumerate(reasons.REFUSALS, 1))


def test_limits_are_those_of_the_code():
    assert f"port {wire.PORT}" in PAGE
    assert f"from 16 to {wire.MOST_CIPHERTEXT}" in PAGE
    assert f"at most {wire.MOST_BODY} bytes" in PAGE
    assert f"at most {wire.MOST_FILES} entries" in PAGE
    assert f"at most {wire.MOST_CHANGES} of\nthem" in PAGE
    assert f"from 9 to {wire.MOST_WBITS}" in PAGE
    assert f"{wire.FROM_START} more in wbits" in PAGE
    assert f"1 to {paths.MOST_PATH} of the characters" in PAGE
    assert f"size is {wire.GONE}" in PAGE
    flags = dict(re.findall(r"(\d) \(([A-Z]+)\)", PAGE))
    assert {int(n): getattr(wire, name) for n, name in flags.items()} == {1: 1, 2: 2, 4: 4}


def test_names_that_are_reserved_are_refused():
    said = re.search(
        r"nothing in (.*?); none of (.*?); nothing that ends in (.*?)\.\s`config", PAGE, re.S
    )
    folders, files, endings = (re.findall(r"`([^`]+)`", part) for part in said.groups())
    for path in [f"{folder}/x" for folder in folders] + [f"/{file}" for file in files]:
        assert owner.root_path_problem(path), path
    for ending in endings:
        assert owner.root_path_problem(f"/x{ending}"), ending
    for path in ("/config.txt", "/pair.txt", "/certs/ca.der"):
        assert owner.root_path_problem(path) is None


def test_the_list_of_a_set_is_one():
    text = re.search(r"```\n(profile .*?)```", PAGE, re.DOTALL)[1]
    parsed = fileset.parse(text)
    assert parsed.text() == text
    assert parsed.entries["lib/epx/loop.py"] == fileset.entry(b"test")
