"""What an installed device has in its flash: loader, rescue program, file sets.

    install(device, "h2o")                                  set a, version 1, confirmed
    install_set(device.flash, "h2o", "b", version=2, changes={"main.py": "1 / 0"})
    run_set(device.flash, "b trial a ok")

Files are taken from the repository as they are. The functions that return {path: content} serve
a real folder too (write_folder). Nothing here is a point where the power can be cut.
"""

import binascii
import hashlib
import os

ROOT = __file__[: __file__.rindex("testmock")] or "./"
_LOADER = "lib/loader/"
# Where import lines of lib/ lead to, for the rescue program.
_RESCUE_PACKAGES = ("epx", "uumqtt")


def read(path):
    """The bytes of a file of the repository."""
    with open(ROOT + path, "rb") as file:
        return file.read()


def _exists(path):
    try:
        os.stat(ROOT + path)
        return True
    except OSError:
        return False


def loader_files():
    """{path: content} of doors, loader and rescue program, for the root of the device."""
    files = {}
    for name in ("boot.py", "main.py"):
        files["/" + name] = read(_LOADER + "doors/" + name)
    for name in sorted(os.listdir(ROOT + _LOADER)):
        if name.endswith(".py"):
            files["/loader/" + name] = read(_LOADER + name)
    for path in rescue_paths():
        files["/loader/" + path] = read(path)
    return files


def rescue_paths():
    """Paths below the repository of what the rescue program imports, directly or not."""
    found = []
    waiting = [_LOADER + "rescue.py"]
    while waiting:
        text = read(waiting.pop()).decode()
        for module in _modules_named_in(text):
            for path in _paths_of(module):
                if path not in found:
                    found.append(path)
                    waiting.append(path)
    return sorted(found)


def _modules_named_in(text):
    """a.b of `import a.b`, of `from a.b import c` and then a.b.c too, of `__import__("a.b")`."""
    modules = []
    # Names may continue on further lines, in parentheses.
    for line in text.replace("(\n", "(").replace(",\n", ",").split("\n"):
        words = line.split("#")[0].replace(",", " ").replace("(", " ").replace(")", " ").split()
        if words[:1] == ["import"]:
            modules += words[1:]
        elif words[:1] == ["from"] and "import" in words:
            modules.append(words[1])
            modules += [words[1] + "." + name for name in words[3:]]
        elif '__import__("' in line:
            modules.append(line.split('__import__("')[1].split('"')[0])
    return [module for module in modules if module.split(".")[0] in _RESCUE_PACKAGES]


def _paths_of(module):
    """The module's file and its packages' __init__.py; nothing if it is a plain name."""
    words = module.split(".")
    path = "lib/" + "/".join(words)
    if not _exists(path + ".py"):
        return []
    return [path + ".py"] + [
        "lib/" + "/".join(words[:n]) + "/__init__.py" for n in range(1, len(words))
    ]


def set_files(profile, changes=None):
    """{path in the set: content} as manifest.ota lists it; changes: others, or None to drop."""
    files = {}
    for line in read("profiles/%s/manifest.ota" % profile).decode().split("\n"):
        words = line.split()
        if len(words) == 2 and words[0] != "#":
            files[words[1]] = read(words[0])
    changes = changes or {}
    for path in changes:
        content = changes[path]
        if content is None:
            files.pop(path, None)
        else:
            files[path] = content.encode() if isinstance(content, str) else content
    return files


def set_text(profile, version, files, mpy=0):
    """set.txt of a set with these files."""
    lines = ["profile %s" % profile, "version %d" % version, "mpy %d" % mpy]
    for path in sorted(files):
        digest = binascii.hexlify(hashlib.sha256(files[path]).digest()).decode()
        lines.append("%s %d %s" % (digest, len(files[path]), path))
    return "\n".join(lines) + "\n"


def set_tree(profile, name="a", version=1, files=None, mpy=0):
    """{path: content} of set "a" or "b" with its list, for the root of the device."""
    if files is None:
        files = set_files(profile)
    tree = {"/%s/%s" % (name, path): files[path] for path in files}
    tree["/%s/set.txt" % name] = set_text(profile, version, files, mpy).encode()
    return tree


def device_tree(profile, version=1, name="a", files=None, mpy=0):
    """{path: content} of everything that a first install puts on a device."""
    tree = loader_files()
    tree.update(set_tree(profile, name, version, files, mpy))
    tree["/running.txt"] = b"%s confirmed\n" % name.encode()
    return tree


# For simulated devices.


def install(device, profile, version=1, set_name="a", changes=None):
    """Put loader, rescue program and one confirmed set into the flash of a device."""
    files = set_files(profile, changes)
    _load_all(device.flash, device_tree(profile, version, set_name, files))


def install_set(flash, profile, set_name, version, changes=None):
    """Put one more set there, or another content of one, and its list."""
    remove_folder(flash, "/" + set_name)
    files = set_files(profile, changes)
    _load_all(flash, set_tree(profile, set_name, version, files))


def run_set(flash, words):
    """Write /running.txt: "b confirmed a", "b trial a ok"."""
    flash.load("/running.txt", words + "\n")


def remove_folder(flash, folder):
    for path in list(flash.files):
        if path.startswith(folder + "/"):
            del flash.files[path]
    for path in list(flash.folders):
        if path == folder or path.startswith(folder + "/"):
            flash.folders.remove(path)


def set_problems(flash, set_name):
    """What is wrong with a set: files that are missing, differ from its list, or are not in it."""
    text = flash.text("/%s/set.txt" % set_name)
    if text is None:
        return ["no set.txt"]
    problems = []
    listed = ["/%s/set.txt" % set_name]
    for line in text.split("\n"):
        words = line.split()
        if len(words) == 3:
            digest, size, path = words
            path = "/%s/%s" % (set_name, path)
            listed.append(path)
            content = flash.content(path)
            if content is None:
                problems.append("missing " + path)
            elif len(content) != int(size):
                problems.append("size of " + path)
            elif binascii.hexlify(hashlib.sha256(content).digest()).decode() != digest:
                problems.append("content of " + path)
    for path in sorted(flash.files):
        inside = path.startswith("/%s/" % set_name) and not path.startswith("/%s/new/" % set_name)
        if inside and path not in listed:
            problems.append("not listed " + path)
    return problems


def _load_all(flash, tree):
    for path in sorted(tree):
        flash.load(path, tree[path])


# For real folders.


def write_folder(folder, tree):
    """Write {path: content} below a folder of this computer."""
    for path in sorted(tree):
        parts = path.strip("/").split("/")
        for n in range(1, len(parts)):
            try:
                os.mkdir(folder + "/" + "/".join(parts[:n]))
            except OSError:
                pass
        with open(folder + "/" + "/".join(parts), "wb") as file:
            file.write(tree[path])
