"""Files of an update: their hashes, their lists, their folders.

Long work is a generator: each step is short, and the appliance goes on between two of them.
"""

import hashlib
import os
from binascii import unhexlify

from micropython import const

from epx import otawire

_PIECES_PER_STEP = const(4)


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


def staged_path(folder, path):
    """Where a file of the set waits in the folder new/ until the commit."""
    return folder + "$" + path.replace("/", "$")


def free_bytes():
    found = os.statvfs("/")
    return found[0] * found[3]
