"""What of an update has to be sent? Of a list that is there, or of one that may be known."""

from micropython import const

from epx import otawire
from epx.otafiles import free_bytes, hash_of, read_files, read_head, staged_path
from epx.otawire import Refusal, fields
from loader import verdict

_BLOCK = const(4096)


def obey(session, kind, body):
    """LIST_END, SAME."""
    stage = session.ota.stage
    if kind == otawire.SAME:
        fields(">", body, 32)
        session.start(_same(stage, bytes(body)))
    else:
        session.start(_end(session, stage))


def _same(stage, wanted):
    """Job: does what runs differ from the list with this hash? A list itself is long."""
    folder = "/%s/" % stage.base
    _, digest = yield from hash_of(folder + "set.txt", stage.buffer)
    # Who may not change anything now hears of it after the list.
    differs = digest != wanted or verdict.trial
    if not differs:
        for path, size, sha256 in read_files(folder + "set.txt"):
            yield
            if not (yield from stage.is_there(folder + path, size, sha256)):
                differs = True
    return otawire.NEEDED, bytes((1 if differs else 0,))


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
        from epx.otafolders import clean, paths

        wanted = {staged_path("", path) for path in paths(stage.new + "sent")}
        wanted.add("sent")
        yield from clean(stage.new, "", wanted)
    if size_needed > free_bytes():
        raise Refusal("too large", "%d bytes are needed" % size_needed)
    stage.needed = bits
    stage.listed = not stage.ask
    stage.complete = stage.listed and differs and not any(bits)
    return bytes((1 if differs else 0,)) + bits
