"""Lists of an update as bytes, and which paths may be in them."""

from struct import pack, unpack_from

from micropython import const

MOST_PATH = const(80)
_MOST_PARTS = const(10)  # of a path: each costs stack when folders are walked through


def pack_entry(path, size, sha256):
    """One file of a list."""
    path = path.encode()
    return bytes((len(path),)) + path + pack(">I", size) + sha256


def entries(body):
    """(path, size, SHA-256) of each entry of a LIST; ValueError if they do not fit in it."""
    at = 0
    while at < len(body):
        end = at + 1 + body[at]
        if end + 36 > len(body):
            raise ValueError("a list is cut off")
        path = str(body[at + 1 : end], "utf-8")
        yield path, unpack_from(">I", body, end)[0], bytes(body[end + 4 : end + 36])
        at = end + 36


def set_path_problem(path):
    """Why path cannot be one of a file set, or None."""
    if not 0 < len(path) <= MOST_PATH:
        return "want 1 to %d characters" % MOST_PATH
    for character in path:
        if character > "z" or not (
            character.isalpha() or character.isdigit() or character in "._-/"
        ):
            return "want letters, digits, . _ - /"
    parts = path.split("/")
    if len(parts) > _MOST_PARTS:
        return "want at most %d parts" % _MOST_PARTS
    for part in parts:
        if not part.strip("."):
            return "want no empty parts, . or .."
    if parts[0] in ("new", "set.txt"):
        return "that name is reserved"
    return None
