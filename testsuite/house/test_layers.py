"""Who may import whom. A row may import the rows above it, never its own row nor one below."""

import ast
import fnmatch
import pathlib

ROOT = pathlib.Path(__file__).parents[2]

# Patterns of modules; the first pattern that fits gives the row.
LAYERS = (
    # Below everything, and never part of an update.
    ("loader.verdict",),
    ("loader.sets",),
    ("loader.start",),
    # Pure: no time, no machine, no socket. The PC tools import these.
    ("epx.keyed", "epx.compare"),
    (
        "epx.clock",
        "epx.config",
        "epx.payloads",
        "epx.textfmt",
        "epx.otawire",
        "epx.nowwire",
        "epx.x25519",
        "epx.filters",
    ),
    (
        "epx.otakeys",
        "epx.otapaths",
        "epx.otarefusals",
        "epx.nowsettings",
        "epx.nowtopics",
        "epx.nowpair",
    ),
    ("epx.otaowner",),
    ("epx.log",),
    ("epx.revive",),
    ("epx.loop", "epx.nvram", "epx.rtcmemory"),
    # A machine and the words of the device stand on the loop.
    ("epx.topics", "epx.watchdog", "epx.diag", "epx.firmware"),
    ("epx.fsm", "epx.untold", "epx.nowtime", "epx.nowstore", "epx.nowhear", "epx.nowback"),
    ("epx.nowunsent", "epx.nowpeers", "epx.nowlist", "epx.nowupdates", "epx.nowconfirm"),
    ("epx.netnow", "epx.nowpending", "epx.nowhouse"),
    # The two sides of the radio, without what they meet in.
    ("epx.nowdesk", "epx.nowjoin"),
    ("epx.nowseek",),
    # What net and mqtt, and updates, are built from.
    ("epx.netstats", "epx.resolver", "epx.otafiles"),
    ("epx.otafolders", "epx.otamerge", "epx.otahello", "epx.otastage"),
    ("epx.otabundle", "epx.otacommit", "epx.otaroot", "epx.otafw"),
    ("epx.otalisting", "epx.otacompare"),
    ("epx.otasession",),
    # Siblings meet through arguments.
    ("epx.net*", "epx.mqtt*", "epx.ota"),
    ("epx.remote", "epx.trial"),
    ("epx.screen",),
    ("*.ports", "*.language"),
    ("*.boards",),
    ("*.settings", "*.service"),
    ("*.program",),
    ("*.sensor", "*.actuator", "*.display"),
    ("epx.startup",),
    ("epx.appliance",),
    ("epx.updatewake",),
    ("epx.sleeper",),
    ("loader.rescue",),
    ("loader.doors.*",),
)
# Rows whose modules know only the pure ones and the tables' row class.
DATA = ("*.settings", "*.service")
# Which pins are what is known before anything else is: boot.py asks for it.
DATA_OF_ITS_OWN = ("*.boards",)
DATA_MAY_IMPORT = (
    "epx.clock",
    "epx.config",
    "epx.payloads",
    "epx.topics",
    "epx.nowtopics",
    "epx.nowsettings",
)
# Packages that stand for themselves: other people use them without epx.
INDEPENDENT = ("third", "uumqtt")

# What a board has. A name that is missing here is either a typo or a decision: decide.
MICROPYTHON = {
    "_thread",
    "array",
    "binascii",
    "collections",
    "cryptolib",
    "deflate",
    "errno",
    "esp32",
    "espnow",
    "framebuf",
    "gc",
    "hashlib",
    "heapq",
    "io",
    "machine",
    "micropython",
    "network",
    "onewire",
    "os",
    "random",
    "select",
    "socket",
    "struct",
    "sys",
    "time",
    "tls",
    "uctypes",
}


def modules():
    """(dotted name, path) of every module of lib/ that has a text."""
    for path in sorted((ROOT / "lib").rglob("*.py")):
        if path.name != "__init__.py":
            yield ".".join(path.relative_to(ROOT / "lib").with_suffix("").parts), path


OURS = dict(modules())
PACKAGES = {name.split(".")[0] for name in OURS}


def imports(path):
    """Dotted names of the modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            if node.level and "scripts" in path.parts:
                continue
            assert not node.level, f"{path}:{node.lineno}: import absolutely"
            for alias in node.names:
                assert alias.name != "*", f"{path}:{node.lineno}: name what you import"
                full = f"{node.module}.{alias.name}"
                yield full if full in OURS else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def rank(module):
    for number, row in enumerate(LAYERS):
        if any(fnmatch.fnmatch(module, pattern) for pattern in row):
            return number
    return None


def fits(module, patterns):
    return any(fnmatch.fnmatch(module, pattern) for pattern in patterns)


def test_every_module_has_a_place():
    for module in OURS:
        package = module.split(".")[0]
        assert package in INDEPENDENT or rank(module) is not None, f"{module}: give it a row"


def test_every_module_keeps_to_its_place():
    for module, path in OURS.items():
        for name in imports(path):
            package = module.split(".")[0]
            other = name.split(".")[0]
            if other not in PACKAGES or (package in INDEPENDENT and other == package):
                continue
            assert name in OURS, f"{module} imports {name}, which lib/ does not have"
            assert package not in INDEPENDENT, f"{module} stands for itself, not on {name}"
            if other not in INDEPENDENT:
                assert rank(name) < rank(module), f"{module} must not import {name}"


def test_a_profile_imports_no_other_profile():
    for module, path in OURS.items():
        package = module.split(".")[0]
        if package in INDEPENDENT or package in ("epx", "loader"):
            allowed = {package, "epx", "loader", *INDEPENDENT}
        else:
            allowed = {package, "epx", "third"}
        for name in imports(path):
            other = name.split(".")[0]
            assert other not in PACKAGES or other in allowed, f"{module} must not import {name}"


def test_settings_and_services_are_data():
    for module, path in OURS.items():
        if fits(module, DATA) and module.split(".")[0] != "epx":
            for name in imports(path):
                known = name in DATA_MAY_IMPORT or fits(name, DATA_OF_ITS_OWN)
                assert known, f"{module} is data, it must not import {name}"


def test_the_library_imports_only_what_a_board_has():
    for module, path in OURS.items():
        for name in imports(path):
            known = name.split(".")[0] in MICROPYTHON | PACKAGES
            assert known, f"{module} imports {name}: is that on a board?"


def test_the_simulator_imports_nothing_of_the_library():
    for path in (ROOT / "testmock").rglob("*.py"):
        for name in imports(path):
            assert name.split(".")[0] not in PACKAGES, f"{path} must not import {name}"


def test_the_tools_enter_the_library_by_one_door():
    for path in (ROOT / "scripts").rglob("*.py"):
        for name in imports(path):
            assert name.split(".")[0] not in PACKAGES, f"{path}: go through epxhost.devicelib"
