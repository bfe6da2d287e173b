"""The command group `epx`; the files in scripts/ are its commands by their own names."""

import importlib
import sys

import click

from epxhost.errors import ToolError

# Command: module and function. A module is imported only when its command is used.
COMMANDS = {
    "bench": ("epxhost.benchmarks", "bench"),
    "cmd": ("epxhost.monitor", "cmd"),
    "cpall": ("epxhost.install", "cpall"),
    "demo": ("epxhost.demo", "demo"),
    "docs": ("epxhost.docs", "docs"),
    "entool": ("epxhost.entool", "entool"),
    "manifests": ("epxhost.manifest", "manifests"),
    "monmqtt": ("epxhost.monitor", "monmqtt"),
    "mqttmon": ("epxhost.monitor", "monmqtt"),
    "new_profile": ("epxhost.newprofile", "new_profile"),
    "ota": ("epxhost.otatools", "ota"),
    "ota_config": ("epxhost.otatools", "ota_config"),
    "otacmd": ("epxhost.otacommands", "otacmd"),
    "otafwtool": ("epxhost.otatools", "otafwtool"),
    "otascript": ("epxhost.otatools", "otascript"),
    "otatool": ("epxhost.otatools", "otatool"),
    "pcp": ("epxhost.install", "pcp"),
    "pcp_conf": ("epxhost.install", "pcp_conf"),
    "pcp_main": ("epxhost.install", "pcp_main"),
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, function = COMMANDS[cmd_name]
        return getattr(importlib.import_module(module), function)


@click.group(cls=_LazyGroup)
def epx() -> None:
    """Everything a PC does for epx devices."""


def main(command: str | None, arguments: list[str]) -> int:
    """Run `epx arguments`, or one command of it; the only place that prints errors."""
    name = command or "epx"
    try:
        target = epx.get_command(click.Context(epx), command) if command else epx
        return target.main(arguments, prog_name=name, standalone_mode=False) or 0
    except ToolError as error:
        print(f"{name}: {error}", file=sys.stderr)
    except click.ClickException as error:
        error.show()
    except (click.Abort, KeyboardInterrupt):
        print(f"{name}: stopped", file=sys.stderr)
    return 1
