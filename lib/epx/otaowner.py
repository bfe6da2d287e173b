"""Which of the owner's files at the root may be sent, asked for and removed over the air."""

from epx.otapaths import set_path_problem
from epx.otawire import Refusal

# What no update may touch at the root, besides the code of the sets.
_RESERVED = ("running.txt", "pins.txt", "reboot.txt", "exception.txt", "config.old")
_RESERVED_FOLDERS = ("a", "b", "loader", "lib")


def root_path_problem(path):
    """Why path is not one of the owner's files at the root, or None."""
    if path[:1] != "/":
        return "want a path that begins with /"
    problem = set_path_problem(path[1:])
    if problem:
        return problem
    parts = path[1:].split("/")
    # A folder in the place of a file would be as bad as that file.
    reserved = parts[0] in _RESERVED or parts[0] in _RESERVED_FOLDERS
    reserved = reserved or (parts[0] == "config.txt" and len(parts) > 1)
    for part in parts:
        if reserved or part.rpartition(".")[2] in ("new", "py", "mpy"):
            return "that name is reserved"
    return None


def path_problem(path):
    """Why neither of both."""
    return root_path_problem(path) if path[:1] == "/" else set_path_problem(path)


def checked(path):
    """path, if it may be one of a set or of the owner."""
    problem = path_problem(path)
    if problem:
        raise Refusal("path not allowed", "%s: %s" % (path, problem))
    return path
