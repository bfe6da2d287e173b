"""Single files of an update become part of what is staged, or else of what runs."""

import os
import sys
from binascii import hexlify

from epx import otawire
from epx.otafiles import read_files, read_head
from epx.otawire import Refusal


def merge(stage):
    """Job: the staged list, or that of the running set, with the files of sent instead."""
    changed = {}
    for path, size, sha256 in read_files(stage.new + "sent"):
        changed[path] = (size, sha256)
    old = stage.new + "list" if stage.staged() else "/%s/set.txt" % stage.base
    head = read_head(old)
    for path in changed:
        if path.endswith(".mpy"):  # then it is no longer a set of source alone
            head["mpy"] = getattr(sys.implementation, "_mpy", 0) & 0xFF
    if head.get("files", 0) + len(changed) > otawire.MOST_FILES + otawire.MOST_CHANGES:
        raise Refusal("too large", "%d files" % head["files"])
    with open(stage.new + "list.new", "w") as file:
        for key in ("profile", "version", "mpy"):
            file.write("%s %s\n" % (key, head.get(key, 0)))
        for path, size, sha256 in read_files(old):
            yield  # any of them may have to erase a block
            if path not in changed:
                write_entry(file, path, size, sha256)
        for path in changed:
            size, sha256 = changed[path]
            if size != otawire.GONE:
                write_entry(file, path, size, sha256)
        yield
    os.rename(stage.new + "list.new", stage.new + "list")


def write_entry(file, path, size, sha256):
    file.write("%s %d %s\n" % (str(hexlify(sha256), "ascii"), size, path))
