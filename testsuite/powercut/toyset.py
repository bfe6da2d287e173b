"""A small appliance, in versions that cannot be mixed: its sets have few files, so a cut is cheap.

Loader, framework and updates are the real ones; the sets take epx from the rescue program's
folder. Serves both interpreters.
"""

KEY = "a secret of 20 signs"
PROFILE = "toy"
_DATA_BYTES = 17000  # more than an update writes without a flush

CONFIG = """\
ssid House
password secret word
mqttbroker 1.2.3.4
mqttname Toy
otakey a secret of 20 signs
watchdog 1
keepalive %d
"""
OLD_CONFIG = CONFIG % 30
GOOD_CONFIG = CONFIG % 20
BAD_CONFIG = OLD_CONFIG.replace("1.2.3.4", "1.2.3.5")

_BOOT = """\
import sys

sys.path.insert(2, "/loader/lib")
"""
_MAIN = """\
from epx.appliance import Appliance
from toy import one, same, two


def settings():
    return ()


def build(app):
    pass


if not one.VERSION == two.VERSION == %d:
    raise ValueError("a mix of versions")
Appliance("toy", settings).run(build)
"""
_CRASHES = b"1 / 0\n"
_HANGS = b"from time import sleep_ms\n\nwhile True:\n    sleep_ms(1000)\n"


def files(version):
    """{path: content} of the set."""
    line = ("VERSION = %d\n" % version).encode()
    return {
        "boot.py": _BOOT.encode(),
        "main.py": (_MAIN % version).encode(),
        "lib/toy/__init__.py": b"",
        "lib/toy/one.py": line,
        "lib/toy/two.py": line + b"# Some more words.\n" * 40,
        "lib/toy/same.py": b"same = True\n",
        "lib/toy/only_%d.py" % version: b"",
        "data/noise": noise(version),
    }


def changed(version):
    """What single files of an update by hand change; None: is to go."""
    line = ("VERSION = %d\n" % version).encode()
    return (
        {"main.py": (_MAIN % version).encode(), "lib/toy/one.py": line},
        {"lib/toy/two.py": line, "data/more/x.txt": b"x" * 700},
        {"lib/toy/only_1.py": None},
    )


def after_changes(version):
    """The set of version 1 with these changes."""
    found = files(1)
    for step in changed(version):
        found.update(step)
    return {path: found[path] for path in found if found[path] is not None}


def crashing(version):
    return dict(files(version), **{"main.py": _CRASHES})


def hanging(version):
    return dict(files(version), **{"main.py": _HANGS})


def noise(seed):
    """Bytes that no stream makes smaller (xorshift32, Marsaglia 2003)."""
    state = seed + 1
    data = bytearray(_DATA_BYTES)
    for at in range(_DATA_BYTES):
        state ^= state << 13 & 0xFFFFFFFF
        state ^= state >> 17
        state ^= state << 5 & 0xFFFFFFFF
        data[at] = state & 0xFF
    return bytes(data)
