"""The list of an update: what shall be in the set, and what of it has to be sent."""

import sys
from binascii import hexlify
from struct import calcsize

from micropython import const

from epx import otapaths, otawire
from epx.otafiles import free_bytes, read_files, read_head, staged_path
from epx.otafolders import check_no_trial, clean, make_place, paths
from epx.otawire import Refusal, fields

_BLOCK = const(4096)


def obey(session, kind, body):
    """LIST_BEGIN, LIST, LIST_END."""
    stage = session.ota.stage
    if kind == otawire.LIST_BEGIN:
        profile = str(body[calcsize(otawire.LIST_BEGIN_BODY) :], "utf-8")
        _begin(stage, *fields(otawire.LIST_BEGIN_BODY, body), profile)
    elif kind == otawire.LIST:
        _add(stage, body)
    else:
        session.start(_end(session, stage))


def _end(session, stage):
    """Job: what is missing; if that is nothing, the list can be committed."""
    needed = yield from _compare(stage)
    if not stage.complete:
        return otawire.NEEDED, needed
    session.tell(otawire.NEEDED, needed)
    session.ota.make_room()
    from epx.otabundle import finish

    yield from finish(stage)
    return (otawire.STAGED,)


def _begin(stage, flags, version, mpy, files, size, profile):
    stage.close()
    check_no_trial()
    stage.full = bool(flags & otawire.FULL)
    stage.ask = bool(flags & otawire.ASK)
    if files > (otawire.MOST_FILES if stage.full else otawire.MOST_CHANGES):
        raise Refusal("too large", "%d files" % files)
    if stage.full:
        _check_head(stage, flags, version, mpy, size, profile)
    elif not stage.staged() and not stage.head:
        raise Refusal("nothing staged", "there is no set that could be changed")
    make_place(stage.new)
    stage.files_left = files
    stage.sent = open(stage.new + "sent", "w")
    if stage.full:
        stage.sent.write("profile %s\nversion %d\nmpy %d\n" % (profile, version, mpy))


def _check_head(stage, flags, version, mpy, size, profile):
    if otapaths.set_path_problem(profile) or "/" in profile:  # it becomes a line of set.txt
        raise Refusal("wrong profile", "want letters, digits and . _ - in its name")
    if stage.profile not in (None, profile):
        raise Refusal("wrong profile", "this is %s, not %s" % (stage.profile, profile))
    ours = getattr(sys.implementation, "_mpy", 0) & 0xFF
    if mpy not in (0, ours):
        raise Refusal("wrong mpy version", "this firmware reads %d, not %d" % (ours, mpy))
    present = int(stage.head.get("version", 0))
    if version < present and not flags & otawire.DOWNGRADE:
        raise Refusal("lower version", "version %d is here, %d comes" % (present, version))
    if size > free_bytes():
        raise Refusal("too large", "%d bytes" % size)


def _add(stage, body):
    for path, size, sha256 in otapaths.entries(body):
        problem = otapaths.set_path_problem(path)
        if problem:
            raise Refusal("path not allowed", "%s: %s" % (path, problem))
        if not stage.sent or not stage.files_left:
            raise Refusal("out of order", "more files than announced")
        stage.files_left -= 1
        stage.sent.write("%s %d %s\n" % (str(hexlify(sha256), "ascii"), size, path))


def _compare(stage):
    """Job: what is missing -> the body of NEEDED; its first byte: the running set differs."""
    if not stage.sent or stage.files_left:
        raise Refusal("out of order", "fewer files than announced")
    stage.sent.close()
    stage.sent = None
    head = read_head(stage.new + "sent")
    bits = bytearray((head["files"] + 7) // 8)
    differs = not stage.full or head != stage.head
    number = 0
    size_needed = 0
    for path, size, sha256 in read_files(stage.new + "sent"):
        yield
        at_base = yield from stage.is_there("/%s/%s" % (stage.base, path), size, sha256)
        differs = differs or not at_base
        if size != otawire.GONE:
            at_target = at_base or (
                yield from stage.is_there("/%s/%s" % (stage.target, path), size, sha256)
            )
            if not at_target:
                staged = staged_path(stage.new, path)
                if not (yield from stage.is_there(staged, size, sha256)):
                    bits[number // 8] |= 0x80 >> number % 8
                    size_needed += (size | (_BLOCK - 1)) + 1
            elif at_base:
                size_needed += (size | (_BLOCK - 1)) + 1
        number += 1
    if size_needed > free_bytes():
        # What an update that nobody finished has left.
        wanted = {staged_path("", path) for path in paths(stage.new + "sent")}
        wanted.add("sent")
        yield from clean(stage.new, "", wanted)
    if size_needed > free_bytes():
        raise Refusal("too large", "%d bytes are needed" % size_needed)
    stage.needed = bits
    stage.listed = not stage.ask
    stage.complete = stage.listed and differs and not any(bits)
    return bytes((1 if differs else 0,)) + bits
