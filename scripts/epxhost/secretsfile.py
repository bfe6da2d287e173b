"""secrets.txt: what the tools need to know and nobody else may, one `NAME WHAT SECRET` per line.

    H2OControl otakey 5fKq…      the key of a device's updates, by its mqttname
    broker user tools            how the tools log in at the MQTT broker
    broker password a secret

The environment goes before the file, for machines without one: EPX_OTAKEY, EPX_MQTT_USER,
EPX_MQTT_PASSWORD. No secret is ever an argument of a command: others could see it in `ps`.
"""

import contextlib
import os
import secrets
import stat
import string
from pathlib import Path

from epxhost.door import ROOT
from epxhost.errors import ToolError

NAME = "secrets.txt"
LEAST_OTAKEY = 16  # characters; the device wants as many
_NEW_OTAKEY = 32  # letters and digits: 190 bits
_OTAKEY = "otakey"
_BROKER = "broker"


def otakey_for(name: str) -> str:
    """The key of the updates of the device with this mqttname."""
    key = os.environ.get("EPX_OTAKEY")
    where = "EPX_OTAKEY"
    if not key:
        key, where = _read().get((name, _OTAKEY)), NAME
    if not key:
        raise ToolError(
            f"no otakey for {name}. `scripts/pcp_conf --new-otakey FILE` makes one at the board's "
            f"USB port; if the device has one, put `{name} otakey KEY` into {NAME}, "
            "or KEY into the environment as EPX_OTAKEY"
        )
    if len(key) < LEAST_OTAKEY:
        raise ToolError(f"{where}: want an otakey of at least {LEAST_OTAKEY} characters")
    return key


def broker_login() -> tuple[str | None, str | None]:
    """User and password for the MQTT broker; None where there is none."""
    user, password = os.environ.get("EPX_MQTT_USER"), os.environ.get("EPX_MQTT_PASSWORD")
    if user and password:
        return user, password
    found = _read()
    user = user or found.get((_BROKER, "user"))
    return user, password or found.get((_BROKER, "password"))


def new_otakey() -> str:
    characters = string.ascii_letters + string.digits
    return "".join(secrets.choice(characters) for _ in range(_NEW_OTAKEY))


def check() -> None:
    """A file that is not as it should be is told before anything depends on it."""
    _read()


def keep_otakey(name: str, key: str) -> bool:
    """Have the file say so; whether it did not before."""
    if _read().get((name, _OTAKEY)) == key:
        return False
    path = _path()
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    kept = [line for line in text.splitlines() if line.split()[:2] != [name, _OTAKEY]]
    _write(path, "".join(f"{line}\n" for line in [*kept, f"{name} {_OTAKEY} {key}"]))
    return True


def _path() -> Path:
    return ROOT / NAME


def _read() -> dict[tuple[str, str], str]:
    path = _path()
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError:
        raise ToolError(f"{NAME}: want UTF-8 text") from None
    except OSError as error:
        raise ToolError(f"{NAME}: {error.strerror}") from None
    # Windows has no such bits.
    if os.name != "nt" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ToolError(f"{NAME} can be read by others: chmod 600 {NAME}")
    found: dict[tuple[str, str], str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split(None, 2)
        if not words or words[0].startswith("#"):
            continue
        if len(words) != 3 or not _is_known(words[0], words[1]):
            # Without the line itself: it may hold a secret.
            raise ToolError(
                f"{NAME}, line {number}: want `MQTTNAME otakey KEY`, `broker user NAME` "
                "or `broker password SECRET`"
            )
        found[words[0], words[1]] = words[2].strip()
    return found


def _is_known(name: str, what: str) -> bool:
    return what == _OTAKEY or (name == _BROKER and what in ("user", "password"))


def _write(path: Path, text: str) -> None:
    """A whole new file, never readable by others, in the old one's place."""
    fresh = path.with_name(f"{NAME}.new")
    try:
        with contextlib.suppress(FileNotFoundError):
            fresh.unlink()
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(text.encode("utf-8"))
        fresh.replace(path)
    except OSError as error:
        raise ToolError(f"{NAME}: {error.strerror}") from None
