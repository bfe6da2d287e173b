"""What an update costs at least: the peer of ota_full_seconds_ratio in bench/ota.py.

    micropython bench/device/ota_straight.py FOLDER CODE PORT

A straight blocking script with the same secrets, records and files: receives the bundle,
authenticates, decrypts, inflates while it arrives, writes each file, reads it back and hashes it.
No list, no loop, no appliance, nothing that could be gone on with.
"""

import hashlib
import io
import os
import socket
import sys
from struct import unpack_from

PIECE = 1024
KEY = "sixteen letters and more"
# As in epx.otawire, whose numbers a compiled set has in its code only.
NONCE_BYTES = 16
HELLO_BYTES = 20
PROOF_BYTES = 32
MOST_RECORD = 1042
WELCOME = 0
DONE = 134


class Bundle(io.IOBase):
    """The bytes of the records, for the inflater."""

    def __init__(self, sock, open_record):
        self._sock = sock
        self._open = open_record
        self._buffer = memoryview(bytearray(MOST_RECORD))
        self._body = b""

    def record(self):
        buffer = self._buffer
        fill(self._sock, buffer[:2])
        end = unpack_from(">H", buffer)[0] + 18
        fill(self._sock, buffer[2:end])
        return self._open(buffer[:end])[1]

    def readinto(self, target):
        if not self._body:
            self._body = self.record()
        count = min(len(target), len(self._body))
        target[:count] = self._body[:count]
        self._body = self._body[count:]
        return count


def fill(sock, buffer):
    have = 0
    while have < len(buffer):
        count = sock.readinto(buffer[have:])
        if not count:
            raise OSError("the sender has gone")
        have += count


def serve(sock):
    hello = memoryview(bytearray(HELLO_BYTES))
    fill(sock, hello)
    answer = otawire.ANSWER + bytes((WELCOME,)) + os.urandom(NONCE_BYTES)
    sock.write(answer)
    keys = otakeys.Keys(KEY, bytes(hello), answer)
    proof = memoryview(bytearray(PROOF_BYTES))
    fill(sock, proof)
    if not otawire.equal(proof, keys.pc_proof):
        raise OSError("wrong key")
    sock.write(keys.device_proof)
    bundle = Bundle(sock, keys.from_pc.open)
    names = str(bundle.record(), "utf-8").split()  # name and size of each file
    buffer = memoryview(bytearray(PIECE))
    stream = DeflateIO(bundle, RAW, 12)
    for i in range(0, len(names), 2):
        left = int(names[i + 1])
        with open(names[i], "wb") as file:
            while left:
                count = stream.readinto(buffer[: min(left, PIECE)])
                file.write(buffer[:count])
                left -= count
    everything = hashlib.sha256()
    for i in range(0, len(names), 2):
        digest = hashlib.sha256()
        with open(names[i], "rb") as file:
            while True:
                count = file.readinto(buffer)
                if not count:
                    break
                digest.update(buffer[:count])
        everything.update(digest.digest())
    sock.write(keys.from_device.seal(DONE, everything.digest()))


sys.path.append(sys.argv[2])
from testmock import mounted  # noqa: E402

mounted.mount(sys.argv[1])
sys.path[:] = ["/pc" + sys.argv[2] + "/lib"]
from deflate import RAW, DeflateIO  # noqa: E402

from epx import otakeys, otawire  # noqa: E402

listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(socket.getaddrinfo("127.0.0.1", int(sys.argv[3]))[0][-1])
listener.listen(1)
print("ready")
while True:
    caller, _ = listener.accept()
    serve(caller)
    caller.close()
