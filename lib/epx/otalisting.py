"""The list of an update: what shall be in the set, and what of it has to be sent."""

import os
import sys
from binascii import hexlify
from struct import calcsize

from micropython import const

from epx import otawire
from epx.otafiles import free_bytes
from epx.otafolders import check_no_trial, clean, kind, make_folders
from epx.otapaths import entries, set_path_problem
from epx.otawire import Refusal, fields

_FOLDER = const(0x4000)
_FILE = const(0x8000)


def _make_place(folder):
    """Make folder, which ends with /, for files only; what lies in the way goes."""
    at = folder.find("/", 1)
    while at > 0:
        if kind(folder[:at]) & _FILE:
            os.remove(folder[:at])
        at = folder.find("/", at + 1)
    make_folders(folder)
    for entry in list(os.ilistdir(folder[:-1])):
        if entry[1] == _FOLDER:
            for _ in clean(folder, entry[0] + "/", ()):
                pass
            os.rmdir(folder + entry[0])


def obey(session, kind, body):
    """LIST_BEGIN, LIST."""
    stage = session.ota.stage
    if kind == otawire.LIST_BEGIN:
        profile = str(body[calcsize(otawire.LIST_BEGIN_BODY) :], "utf-8")
        _begin(stage, *fields(otawire.LIST_BEGIN_BODY, body), profile)
    else:
        _add(stage, body)


def _begin(stage, flags, version, mpy, files, size, profile):
    stage.close()
    check_no_trial()
    stage.full = flags & otawire.FULL
    stage.ask = flags & otawire.ASK
    if files > (otawire.MOST_FILES if stage.full else otawire.MOST_CHANGES):
        raise Refusal("too large", "%d files" % files)
    if stage.full:
        _check_head(stage, flags, version, mpy, size, profile)
    elif not stage.staged() and not stage.head:
        raise Refusal("nothing staged", "there is no set that could be changed")
    _make_place(stage.new)
    stage.files_left = files
    stage.sent = open(stage.new + "sent", "w")
    if stage.full:
        stage.sent.write("profile %s\nversion %d\nmpy %d\n" % (profile, version, mpy))


def _check_head(stage, flags, version, mpy, size, profile):
    if set_path_problem(profile) or "/" in profile:  # it becomes a line of set.txt
        raise Refusal("wrong profile", "want a word")
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
    for path, size, sha256 in entries(body):
        problem = set_path_problem(path)
        if problem:
            raise Refusal("path not allowed", "%s: %s" % (path, problem))
        if not stage.sent or not stage.files_left:
            raise Refusal("out of order", "more files than announced")
        stage.files_left -= 1
        stage.sent.write("%s %d %s\n" % (str(hexlify(sha256), "ascii"), size, path))
