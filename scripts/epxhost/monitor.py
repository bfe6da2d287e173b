"""`monmqtt`: follow what a device says, readable."""

import re
import time

import click
from rich.console import Console
from rich.text import Text

from epxhost.errors import ToolError
from epxhost.mqttclient import DeviceAtBroker, Message

_LEVEL_STYLES = {"error": "bold red", "warn": "yellow", "info": "", "debug": "dim"}
_STATE_STYLES = {"online": "bold green", "offline": "bold red"}
_TOPIC_COLUMNS = 16
_CRASH_STYLE = "red"
# A log line carries the end of a traceback only, so it may begin with any of its lines.
_CRASH_BEGINS = re.compile(r'Traceback \(most recent call last\)|  File "')


class Formatter:
    """Messages as lines; those of a traceback stand together as one block."""

    def __init__(self) -> None:
        self._in_crash = False

    def lines(self, message: Message) -> list[Text]:
        clock = time.strftime("%H:%M:%S", time.localtime(message.at_s))
        head = Text(f"{clock}  {message.topic or 'broker':{_TOPIC_COLUMNS}} ", style="dim")
        if message.topic == "Log":
            return self._log_lines(head, message.text)
        # Only log lines may continue a traceback, but other topics come in between.
        style = "cyan" if message.topic == "OTA" else ""
        if message.topic == "Availability":
            style = _STATE_STYLES.get(message.text, "")
        text = message.text + (" (retained)" if message.retained else "")
        return [head + Text(text, style=style)]

    def _log_lines(self, head: Text, text: str) -> list[Text]:
        found = []
        for line in text.split("\n"):
            level, _, rest = line.partition(" ")
            if level not in _LEVEL_STYLES:
                level, rest = "", line
            found += self._log_line(head, level, rest)
        return found

    def _log_line(self, head: Text, level: str, rest: str) -> list[Text]:
        level_text = Text(f"{level:5} ", style=_LEVEL_STYLES.get(level, ""))
        if not self._in_crash and _CRASH_BEGINS.match(rest):
            self._in_crash = True
            title = Text("┌ crash report", style=_CRASH_STYLE)
            return [head + level_text + title, *self._log_line(head, level, rest)]
        if not self._in_crash:
            return [head + level_text + Text(rest, style=_LEVEL_STYLES.get(level, ""))]
        # The line that is not indented, after the header, names the exception and ends it.
        last = not rest.startswith((" ", "Traceback"))
        self._in_crash = not last
        bar = "└ " if last else "│ "
        style = f"bold {_CRASH_STYLE}" if last else _CRASH_STYLE
        return [head + level_text + Text(bar + rest, style=style)]


@click.command("monmqtt")
@click.argument("device")
@click.option("-n", "count", type=click.IntRange(min=1), help="End after so many messages.")
@click.option("--for", "seconds", type=click.FloatRange(min=0), help="End after so many seconds.")
@click.option("--log", "log_only", is_flag=True, help="Only Log, Availability and OTA.")
def monmqtt(device: str, count: int | None, seconds: float | None, log_only: bool) -> int:
    """Follow all that DEVICE (its mqttname) publishes, until Ctrl-C.

    Log lines are coloured by their level, tracebacks stand together as one block.
    """
    console = Console(highlight=False)
    formatter = Formatter()
    try:
        with DeviceAtBroker(device, everything=not log_only) as at_broker:
            click.echo(f"{device} at {at_broker.where}, Ctrl-C ends", err=True)
            for number, message in enumerate(at_broker.messages(seconds), 1):
                for line in formatter.lines(message):
                    console.print(line, soft_wrap=True)
                if number == count:
                    break
    except KeyboardInterrupt:
        click.echo("", err=True)
    return 0


@click.command()
@click.argument("device")
@click.argument("topic")
@click.argument("payload")
@click.option(
    "--wait", "wait_s", default=3.0, show_default=True, help="Seconds to show what follows."
)
def cmd(device: str, topic: str, payload: str, wait_s: float) -> int:
    """Publish PAYLOAD as cmnd/DEVICE/TOPIC and show what DEVICE says then."""
    if not payload or "+" in topic or "#" in topic:
        raise ToolError("want a payload that is not empty, and a topic without + and #")
    console = Console(highlight=False)
    formatter = Formatter()
    with DeviceAtBroker(device, everything=True) as at_broker:
        at_broker.require_online()
        at_broker.command(payload, topic)
        answers = 0
        for message in at_broker.messages(wait_s):
            if message.retained:
                continue
            answers += 1
            for line in formatter.lines(message):
                console.print(line, soft_wrap=True)
    if not answers:
        click.echo(f"{device} published nothing within {wait_s:g} s", err=True)
    return 0
