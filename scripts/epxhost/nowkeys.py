"""What entool knows of a group and of pairs: from config.txt, the environment, its own files."""

import json
import os
import secrets
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

import click

from epxhost.devicelib import device_module
from epxhost.errors import ToolError
from epxhost.nowpackets import Keys

_PSK_VARIABLE = "EPX_ESPNOWPSK"
_KEY_BYTES = 32
_IN_HEX = ("secret", "proof", "public", "central")


@dataclass
class Radio:
    """As in config.txt."""

    psk: str
    group: str
    channel: int = 1
    long_range: bool = False

    def keys(self, found: "dict[bytes, bytes] | None" = None) -> Keys:
        return Keys(self.psk, self.group, found)


def radio(config: Path | None, group: str | None) -> Radio:
    """From config.txt, or of a group whose PSK the environment or the person at the keyboard
    says: an argument could be seen by others."""
    if config:
        return _of_config(config)
    if not group:
        raise ToolError("whose keys? Say --config FILE (a config.txt), or --group NAME")
    psk = os.environ.get(_PSK_VARIABLE)
    if not psk:
        if not sys.stdin.isatty():
            raise ToolError(f"put the espnowpsk into the environment as {_PSK_VARIABLE}")
        psk = click.prompt("espnowpsk", hide_input=True, err=True)
    return Radio(psk, group)


def _of_config(path: Path) -> Radio:
    config = device_module("epx.config")
    rows = device_module("epx.nowsettings").CENTRAL_KEYS
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ToolError(f"{path}: {error}") from None
    found = config.Config(config.COMMON, rows, lines)
    if not found.ready:
        wrong = [problem for problem in found.problems if "espnow" in problem]
        raise ToolError(f"{path}: " + "; ".join(wrong))
    return Radio(found.espnowpsk, found.espnowgroup, found.espnowchannel, found.espnowlongrange)


@dataclass
class Pair:
    """What both sides keep of a pairing. public: of the peripheral, for which proof was given."""

    secret: bytes
    proof: bytes
    public: bytes = b""
    central: bytes = b""
    channel: int = 0
    counter: int = 0


class Pairs:
    """Of the devices that entool plays, by the identity of the peripheral; in a file that nobody
    else may read, or (path None) forgotten at the end. key: of the proofs of a played central."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self.key = secrets.token_bytes(_KEY_BYTES)
        self.pairs: dict[bytes, Pair] = {}
        if path and path.exists():
            self._read(path)

    def _read(self, path: Path) -> None:
        if os.name != "nt" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ToolError(f"{path} can be read by others: chmod 600 {path}")
        try:
            found = json.loads(path.read_text())
            self.key = bytes.fromhex(found["key"])
            for identity, row in found["pairs"].items():
                texts = {name: bytes.fromhex(row[name]) for name in _IN_HEX}
                pair = Pair(**texts, channel=int(row["channel"]), counter=int(row["counter"]))
                self.pairs[bytes.fromhex(identity)] = pair
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            # Without what is in there: it is secret.
            raise ToolError(f"{path} is no file of pairs of entool") from None

    def secrets(self) -> dict[bytes, bytes]:
        return {identity: pair.secret for identity, pair in self.pairs.items()}

    def put(self, identity: bytes, pair: Pair) -> None:
        self.pairs[identity] = pair
        self.save()

    def save(self) -> None:
        """A whole new file, never readable by others, in the old one's place."""
        if not self._path:
            return
        rows = {
            identity.hex(): {
                **{name: getattr(pair, name).hex() for name in _IN_HEX},
                "channel": pair.channel,
                "counter": pair.counter,
            }
            for identity, pair in self.pairs.items()
        }
        fresh = self._path.with_name(f"{self._path.name}.new")
        try:
            fresh.unlink(missing_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            with os.fdopen(os.open(fresh, flags, 0o600), "w") as file:
                json.dump({"key": self.key.hex(), "pairs": rows}, file, indent=1)
            fresh.replace(self._path)
        except OSError as error:
            raise ToolError(f"{self._path}: {error.strerror}") from None
