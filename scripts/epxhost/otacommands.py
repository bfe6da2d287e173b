"""`otacmd`: one of the commands on the topic OTA, and what the device answers on its log."""

import re
from typing import NamedTuple

import click

from epxhost.errors import ToolError
from epxhost.mqttclient import DeviceAtBroker, Message

# Answers of several lines come together; so much later there are no more.
_QUIET_S = 1.0


class Answer(NamedTuple):
    """What a command does, how its answer looks, how long that may take."""

    words: str
    pattern: re.Pattern[str]
    limit_s: float = 10.0


COMMANDS = {
    "open": Answer("open the port for updates", re.compile(r"netstatus |OTA: no otakey|pcp_conf")),
    "commit": Answer(
        "make what is staged the program of the next start",
        re.compile(r"OTA inactive|nop\b|OTA: busy|commit"),
        180.0,
    ),
    "reboot": Answer("restart", re.compile(r"Received MQTT reboot cmd"), 120.0),
    "stats": Answer("how often network and MQTT were lost", re.compile(r"connlost events")),
    "resetstats": Answer("count those from 0 again", re.compile(r"connlost events")),
    "getversion": Answer("what it runs", re.compile(r"\bepx \S+, MicroPython|\bversion \d+, mpy")),
    "msg_reboot": Answer("why it restarted last", re.compile(r"reboot\.txt( not found|:)")),
    "msg_exception": Answer(
        "the traceback of its last crash", re.compile(r"exception\.txt( not found|:)")
    ),
    "msg_rm": Answer("forget those two", re.compile(r"messages removed")),
    "partitions": Answer(
        "its firmware partitions", re.compile(r"available partitions|partition table")
    ),
    "keepversion": Answer("keep the firmware that runs", re.compile(r"firmware is kept|marked")),
}
_REFUSES = re.compile(r"OTA: (unknown command|no otakey)|mqtt: \S+/OTA: ")


def answers(at_broker: DeviceAtBroker, command: str, limit_s: float | None = None) -> list[str]:
    """Send a command; the lines that answer it, without their level."""
    expected = COMMANDS[command]
    found: list[str] = []

    def wanted(message: Message) -> bool:
        if message.topic != "Log" or message.retained:
            return False
        if not (expected.pattern.search(message.text) or _REFUSES.search(message.text)):
            return False
        found.append(re.sub(r"^(error|warn|info|debug) ", "", message.text))
        return True

    at_broker.command(command)
    left_s = expected.limit_s if limit_s is None else limit_s
    while at_broker.wait_for(wanted, left_s):
        left_s = _QUIET_S
    return found


def _help() -> str:
    return "\n".join(f"{name:14} {answer.words}" for name, answer in COMMANDS.items())


@click.command(
    help="Send COMMAND to DEVICE (its mqttname) and show what it answers.\n\n\b\n" + _help()
)
@click.argument("device")
@click.argument("command", type=click.Choice(list(COMMANDS)), metavar="COMMAND")
@click.option("--wait", "wait_s", type=click.FloatRange(min=0), help="Seconds for an answer.")
def otacmd(device: str, command: str, wait_s: float | None) -> None:
    with DeviceAtBroker(device) as at_broker:
        at_broker.require_online()
        lines = answers(at_broker, command, wait_s)
    if not lines:
        raise ToolError(
            f"{device} did not answer to {command}. `monmqtt {device}` shows whether it says "
            "anything; a program from before updates over the air knows no such commands"
        )
    for line in lines:
        click.echo(line)
    if any(_REFUSES.search(line) for line in lines):
        raise ToolError(f"{device} did not do it")
