"""What this installation says: serial_params.txt, mqttserver.txt, and a device's config.txt."""

import argparse
import os
import platform
import shlex
from pathlib import Path
from types import ModuleType
from typing import NamedTuple, NoReturn

from epxhost.devicelib import device_module, profiles
from epxhost.door import ROOT
from epxhost.errors import ToolError

_SPEED_BAUD = 115200
_MQTT_PORT = 1883
_SERVER_VARIABLE = "EPX_MQTT_SERVER"


class SerialParameters(NamedTuple):
    """port is a path (or a name of Windows); reset: pull the board's DTR line first."""

    port: str
    baud: int
    reset: bool


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ToolError(f"serial_params.txt: {message}")


def serial_parameters(text: str | None = None) -> SerialParameters:
    """The parameters as mpfshell has them: -o PORT [--reset]; its other options are accepted."""
    if text is None:
        text = _read_installed("serial_params.txt", "name the board's serial port in it")
    parser = _Parser(prog="serial_params.txt", add_help=False)
    parser.add_argument("-o", "--open", metavar="PORT")
    parser.add_argument("--reset", action="store_true")
    parser.add_argument("board", nargs="?")
    for ignored in ("-n", "--noninteractive", "--nocolor", "--nocache"):
        parser.add_argument(ignored, action="store_true")
    options = parser.parse_args(shlex.split(" ".join(_lines(text))))
    target = options.board or options.open
    if not target:
        raise ToolError("serial_params.txt: names no port, want for example: -o ttyUSB0")
    if target.startswith(("tn:", "ws:")):
        raise ToolError(f"serial_params.txt: want a serial port, not '{target}'")
    port, _, speed = target.removeprefix("ser:").partition(",")
    if speed and not speed.isdigit():
        raise ToolError(f"serial_params.txt: want a speed in baud, not '{speed}'")
    if "/" not in port and platform.system() != "Windows":
        port = f"/dev/{port}"
    return SerialParameters(port, int(speed or _SPEED_BAUD), options.reset)


def mqtt_server(text: str | None = None) -> tuple[str, int]:
    """Host and port of the broker: EPX_MQTT_SERVER of the environment, else mqttserver.txt."""
    where = "mqttserver.txt"
    if text is None and os.environ.get(_SERVER_VARIABLE):
        where, text = _SERVER_VARIABLE, os.environ[_SERVER_VARIABLE]
    if text is None:
        text = _read_installed(where, "name the MQTT broker in it")
    lines = _lines(text)
    if len(lines) != 1:
        raise ToolError(f"{where}: want one line, host or host:port")
    host, _, port = lines[0].partition(":")
    if port and not port.isdigit():
        raise ToolError(f"{where}: want a port number, not '{port}'")
    return host, int(port or _MQTT_PORT)


def has_mqtt_server() -> bool:
    """Whether anybody has said where the broker is."""
    return bool(os.environ.get(_SERVER_VARIABLE)) or (ROOT / "mqttserver.txt").exists()


def config_problems(text: str, profile: str | None) -> list[str]:
    """Everything that is wrong with a config.txt, checked with the device's own rows.

    Without a profile only the common keys can be judged: a key that is neither one of them nor
    looks like one is taken for the profile's.
    """
    config = device_module("epx.config")
    lines = text.splitlines()
    if profile is None:
        found = config.Config(config.COMMON, (), lines).problems
        return [p for p in found if "unknown key" not in p or "did you mean" in p]
    found = config.Config(config.COMMON, profile_keys(profile), lines)
    return found.problems or _conflicts(profile, found)


def _conflicts(profile: str, config) -> list[str]:
    """What the profile has against these settings, each of which is right by itself."""
    found = getattr(_settings_module(profile), "conflict", lambda _: None)(config)
    return [f"config.txt: {found}"] if found else []


def profile_keys(profile: str) -> tuple:
    """The profile's own Key rows."""
    if profile not in profiles():
        raise ToolError(
            f"no profile '{profile}' (there is: {', '.join(profiles()) or 'none yet'})"
        )
    return getattr(_settings_module(profile), "KEYS", ())


def _settings_module(profile: str) -> ModuleType | None:
    """None: the profile has no settings of its own."""
    if not (ROOT / "lib" / profile / "settings.py").exists():
        return None
    return device_module(f"{profile}.settings")


def pins_follow_config(profile: str) -> bool:
    """Does it depend on config.txt which pins the outputs are?"""
    return hasattr(_settings_module(profile), "safe_pins")


def safe_pins(profile: str, config_text: str = "") -> str:
    """pins.txt of a profile: its outputs' safe levels, which the loader sets before all else.

    From its table SAFE_PINS, or what its safe_pins() says of a config.txt that is right.
    """
    module = _settings_module(profile)
    rows = getattr(module, "SAFE_PINS", ())
    if pins_follow_config(profile):
        config = device_module("epx.config")
        found = config.Config(config.COMMON, module.KEYS, config_text.splitlines())
        rows = module.safe_pins(found) if found.ready else ()
    for row in rows:
        if len(row) not in (2, 4) or row[1] not in (0, 1):
            where = f"lib/{profile}/settings.py: SAFE_PINS"
            raise ToolError(f"{where}: want (PIN, LEVEL[, NAMESPACE, KEY]), not {row}")
    return "".join(" ".join(map(str, row)) + "\n" for row in rows)


def name_and_otakey(text: str) -> tuple[str | None, str | None]:
    """mqttname and otakey of a config.txt, as the device reads them; None: not there."""
    config = device_module("epx.config")
    found = config.Config(config.COMMON, (), text.splitlines())
    return found.mqttname, found.otakey


def _lines(text: str) -> list[str]:
    stripped = (line.strip() for line in text.splitlines())
    return [line for line in stripped if line and not line.startswith("#")]


def _read_installed(name: str, what_to_do: str) -> str:
    path = ROOT / name
    if not path.exists():
        raise ToolError(f"{name} is missing: copy {name}.example to {name} and {what_to_do}")
    return Path(path).read_text()
