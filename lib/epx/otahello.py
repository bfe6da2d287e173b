"""The beginning of a conversation, on the device: fresh keys, and who it is."""

import os
import sys
from binascii import hexlify

import machine

from epx import diag, otawire
from epx.otafiles import free_bytes, read_head
from epx.otakeys import Keys
from loader import verdict


def greet(otakey, hello):
    """(keys, answer) to the hello of somebody."""
    answer = otawire.ANSWER + bytes((otawire.WELCOME,)) + os.urandom(otawire.NONCE_BYTES)
    return Keys(otakey, hello, answer), answer


def identity(stage):
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
