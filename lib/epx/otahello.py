"""The beginning of a conversation, on the device: fresh keys, and who it is."""

import os
import sys
from binascii import hexlify

import machine
from micropython import const

from epx import diag, log, otawire
from epx.loop import uptime_s
from epx.otafiles import free_bytes, read_head
from epx.otakeys import Keys
from loader import verdict

_MOST_FAILURES = const(6)  # 64 s


def last_word(ota):
    """The answer to somebody who comes at the wrong time."""
    if ota.session or ota.busy():
        holder = ota.session.peer if ota.session else "a commit"
        answer = bytes((otawire.BUSY,)) + holder.encode()[: otawire.NONCE_BYTES]
    else:
        answer = bytes((otawire.LOCKED,)) + (ota.locked_until_s - uptime_s()).to_bytes(2, "big")
    answer = otawire.ANSWER + answer
    return answer + bytes(otawire.HELLO_BYTES - len(answer))


def greet(session):
    """Answer the hello of somebody."""
    hello = bytes(session.buffer[: otawire.HELLO_BYTES])
    if hello[:4] != otawire.HELLO:
        session.close("not an update tool, or one of another version")
        return
    answer = otawire.ANSWER + bytes((otawire.WELCOME,)) + os.urandom(otawire.NONCE_BYTES)
    session.keys = Keys(session.ota.app.config.otakey, hello, answer)
    session.want = otawire.PROOF_BYTES
    session.send(answer)


def prove(session):
    """True if somebody has the key: then he is told that we have it, and who we are."""
    keys = session.keys
    ota = session.ota
    if not otawire.equal(session.buffer[: otawire.PROOF_BYTES], keys.pc_proof):
        log.warn("OTA: wrong key from %s", session.peer)
        # Each time it takes longer to try again.
        ota.locked_until_s = uptime_s() + (1 << ota.failures)
        ota.failures = min(ota.failures + 1, _MOST_FAILURES)
        session.close("wrong key")
        return False
    ota.failures = 0
    ota.touch()
    log.info("OTA: session with %s", session.peer)
    session.proved = True
    session.want = otawire.HEADER_BYTES
    identity = keys.from_device.seal(otawire.IDENTITY, _identity(ota.stage))
    session.send(keys.device_proof + identity)
    return True


def _identity(stage):
    """The body of IDENTITY: lines "key value"."""
    head = stage.head
    lines = (
        ("profile", stage.profile or "-"),
        ("version", head.get("version", 0)),
        ("set", stage.base or "-"),
        ("trial", 1 if verdict.trial else 0),
        ("rescue", 0 if verdict.chosen else 1),
        ("mpy", getattr(sys.implementation, "_mpy", 0) & 0xFF),
        ("firmware", "%d.%d.%d" % sys.implementation.version[:3]),
        ("epx", diag.VERSION),
        ("chip", str(hexlify(machine.unique_id()), "ascii")),
        ("free", free_bytes()),
        ("staged", 1 if stage.staged() else 0),
        ("other", read_head("/%s/set.txt" % stage.target).get("version", "-")),
    )
    return "".join(["%s %s\n" % line for line in lines]).encode()
