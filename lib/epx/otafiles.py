"""Files of an update: their hashes, their lists, their folders.

Long work is a generator: each step is short, and the appliance goes on between two of them.
"""

import hashlib
import os
from binascii import hexlify, unhexlify

from micropython import const

from epx import otawire
from loader import sets, verdict

_PIECES_PER_STEP = const(4)
_FOLDER = const(0x4000)
_FILE = const(0x8000)


def hash_of(path, buffer):
    """Job: (size, SHA-256) of a file as it is in the flash now; (0, NO_FILE) without one."""
    size = pieces = 0
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while True:
                count = file.readinto(buffer)
                if not count:
                    return size, digest.digest()
                digest.update(buffer[:count])
                size += count
                pieces += 1
                if not pieces % _PIECES_PER_STEP:
                    yield
    except OSError:
        return 0, otawire.NO_FILE


def check_hash(path, size, sha256, buffer):
    """Job: is path a file of this size and SHA-256?"""
    try:
        if os.stat(path)[6] != size:
            return False
    except OSError:
        return False
    found = yield from hash_of(path, buffer)
    return found == (size, sha256)


def check_no_trial():
    """The set that would be changed is the one to go back to."""
    running = sets.read()
    if running and running.trial and running.name == verdict.chosen:
        raise otawire.Refusal("on trial", "set %s has to be confirmed first" % verdict.chosen)


def make_folders(path):
    """Those that path, which begins with /, lies in."""
    at = path.find("/", 1)
    while at > 0:
        if not sets.exists(path[:at]):
            os.mkdir(path[:at])
        at = path.find("/", at + 1)


def kind(path):
    """0x4000 for a folder, 0x8000 for a file, 0 if there is nothing."""
    try:
        return os.stat(path)[0]
    except OSError:
        return 0


def make_place(folder):
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


def close(file):
    """That it is let go of is what counts: what is in it will be hashed."""
    try:
        file.close()
    except OSError:
        pass


def remove_file(path):
    """That it is gone is what counts."""
    try:
        os.remove(path)
    except OSError:
        pass


def read_head(path):
    """{"profile": text, "version": text, "mpy": text, "files": count} of a list; {} without."""
    head = {"files": 0}
    try:
        with open(path) as file:
            for line in file:
                words = line.split()
                if len(words) == 2:
                    head[words[0]] = words[1]
                elif len(words) == 3:
                    head["files"] += 1
    except (OSError, UnicodeError):
        return {}
    return head


def read_files(path):
    """(path, size, SHA-256) of each file in a list; the size is GONE for one that is to go."""
    with open(path) as file:
        for line in file:
            words = line.split()
            if len(words) == 3:
                yield words[2], int(words[1]), unhexlify(words[0])


def paths(name):
    """All that a list names."""
    return {path for path, _, _ in read_files(name)}


def write_entry(file, path, size, sha256):
    file.write("%s %d %s\n" % (str(hexlify(sha256), "ascii"), size, path))


def staged_path(folder, path):
    """Where a file of the set waits in the folder new/ until the commit."""
    return folder + "$" + path.replace("/", "$")


def clean(folder, below, wanted):
    """Job: remove what is in folder + below, but not what is wanted, nor new/."""
    for entry in list(os.ilistdir((folder + below)[:-1])):
        yield
        path = below + entry[0]
        if path == "new":
            continue
        if entry[1] == _FOLDER:
            yield from clean(folder, path + "/", wanted)
            if not os.listdir(folder + path):
                os.rmdir(folder + path)
        elif path not in wanted:
            os.remove(folder + path)


def free_bytes():
    found = os.statvfs("/")
    return found[0] * found[3]
