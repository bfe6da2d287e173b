"""Updates over the air: ota, ota_config, otascript, otatool, otafwtool."""

import hashlib
import os
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from epxhost import fileset, firmwareimage, otasleeper, secretsfile, settings
from epxhost.devicelib import profiles
from epxhost.errors import ToolError
from epxhost.monitor import Formatter
from epxhost.mqttclient import DeviceAtBroker, Message
from epxhost.otaclient import OtaClient, OtaLink, Sent, owner, wire

_CONNECT_LIMIT_S = 10.0
# The address goes out every 10 s while the port is open.
_ADDRESS_LIMIT_S = 60.0
# The device gives up a trial after 10 minutes; then it has to come back.
_CONFIRM_LIMIT_S = 660.0
_EXPLANATION_LIMIT_S = 5.0
# For a firmware to be kept: so long online, without an error on its log.
_HEALTHY_S = 60.0
_KEEP_LIMIT_S = 15.0

_CONFIRMED = re.compile(r"update: set (?P<set>\w+)\b.* confirmed")
# The answer to getversion. A device that logs little does not publish the line above.
_RUNS = re.compile(r"\bset (?P<set>\w+) runs: ")
_ASK_AFTER_S = 150.0
_ASK_EVERY_S = 45.0
_CONFIG_CONFIRMED = re.compile(r"config\.txt confirmed")
_WENT_BACK = re.compile(r"(update|new config\.txt) failed, back to .*")
_NO_KEY = re.compile(r"no otakey\b.*")
_STARTED = re.compile(r"reset by ")
_NO_MEMORY = "out of memory"
_KEPT = "firmware is kept"

# Keys of an identity as a person reads them.
_IDENTITY_WORDS = {
    "profile": "profile",
    "version": "version",
    "set": "running set",
    "trial": "on trial",
    "staged": "staged for a commit",
    "other": "version in the other set",
    "free": "free flash, bytes",
    "mpy": "reads .mpy version",
    "firmware": "firmware",
    "chip": "chip",
    "epx": "epx",
    "rescue": "rescue program runs",
    "partitions": "firmware partitions",
}


class Address(NamedTuple):
    host: str
    port: int = wire.PORT

    def __str__(self) -> str:
        return self.host if self.port == wire.PORT else f"{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """HOST or HOST:PORT."""
    host, _, port = text.partition(":")
    if not host or (port and not port.isdigit()):
        raise ToolError(f"'{text}' is no address: want for example 192.168.1.7")
    return Address(host, int(port) if port else wire.PORT)


class Announced(NamedTuple):
    """What stat/<name>/OTA says while the port is open."""

    address: str
    flavor: str
    state: str


def parse_announcement(text: str) -> Announced | None:
    """`netstatus … addr … mac … flavor … count … state …`; None if no address is in there."""
    found = re.search(r"netstatus .*\baddr (\S+) .*\bflavor (\S+) .*\bstate (.+)$", text)
    if not found or found[1] in ("None", "0.0.0.0"):
        return None
    return Announced(*found.groups())


class Terminal:
    """What the person at the terminal sees: progress and remarks on stderr."""

    def __init__(self) -> None:
        self.console = Console(stderr=True, highlight=False)
        self.restarted_s = 0.0
        self._formatter = Formatter()

    def restart(self, client: OtaClient) -> None:
        """What the device has said before this has nothing to do with what it runs now."""
        self.restarted_s = time.time()
        client.reboot()

    def say(self, words: str) -> None:
        self.console.print(words, markup=False, soft_wrap=True)

    def show(self, message: Message) -> None:
        """A line of the device's log."""
        if message.topic in ("Log", "Availability", "") and not message.retained:
            for line in self._formatter.lines(message):
                self.console.print(line, soft_wrap=True)

    @contextmanager
    def progress(self) -> Iterator[Callable[[int, int, str], None]]:
        """A bar with the time that is left, for a Progress callback of the client."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
        )
        bar = Progress(*columns, console=self.console, transient=True)
        tasks: dict[str, TaskID] = {}

        def advance(done: int, total: int, what: str) -> None:
            bar.start()  # with the first step: an empty bar would be an empty line
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done)

        try:
            yield advance
        finally:
            if tasks:
                bar.stop()


def tcp_link(address: Address, otakey: str, terminal: Terminal) -> OtaLink:
    def connect() -> socket.socket:
        sock = socket.create_connection(address, timeout=_CONNECT_LIMIT_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    return OtaLink(connect, otakey, say=terminal.say)


def open_port(at_broker: DeviceAtBroker, terminal: Terminal) -> Announced:
    """Have the device open its port, and wait until it says where that is."""
    at_broker.require_online()
    at_broker.command("open")
    terminal.say(f"{at_broker.device}: opening")

    def wanted(message: Message) -> bool:
        if message.retained:
            return False
        if message.topic == "Log" and _NO_KEY.search(message.text):
            raise ToolError(
                f"{at_broker.device} has no otakey, so it stays shut: "
                "`scripts/pcp_conf --new-otakey FILE` makes one, at its USB port"
            )
        if message.topic == "Log" and _NO_MEMORY in message.text:
            raise ToolError(
                f"{at_broker.device} has too little memory left to open its port: restart it "
                f"(`otacmd {at_broker.device} reboot`), then start this command again"
            )
        return message.topic == "OTA" and parse_announcement(message.text) is not None

    message = at_broker.wait_for(wanted, _ADDRESS_LIMIT_S)
    if message is None:
        raise ToolError(
            f"{at_broker.device} did not say its address within {_ADDRESS_LIMIT_S:.0f} s. "
            f"`monmqtt {at_broker.device}` shows what it says; a program from before updates "
            "over the air has to be replaced by cpall, at its USB port"
        )
    announced = parse_announcement(message.text)
    assert announced
    return announced


def describe(identity: dict[str, str]) -> str:
    """One line about who answers."""
    get = identity.get
    number = get("free", "")
    free = f"{int(number) // 1024:,} KB free" if number.isdigit() else "? free"
    place = "the rescue program" if get("rescue") == "1" else f"set {get('set', '?')}"
    if get("trial") == "1":
        place += " (on trial)"
    return (
        f"{get('profile') or 'no profile'} version {get('version', '?')} in {place}, "
        f"MicroPython {get('firmware', '?')}, {free}"
    )


def _stage(
    link: OtaLink,
    files: fileset.FileSet,
    terminal: Terminal,
    downgrade: bool = False,
    reboot: bool = False,
) -> tuple[Sent, dict[str, str]]:
    """Send what the device lacks of a set, commit it, and have it restart, in one session."""
    with terminal.progress() as progress:

        def action(client: OtaClient) -> tuple[Sent, dict[str, str]]:
            terminal.say(describe(client.identity))
            sent = client.send_set(files, downgrade=downgrade, progress=progress)
            if sent.differs:
                terminal.say(_sent_words(sent, len(files.files)))
                client.commit()
                if reboot:
                    terminal.restart(client)
            return sent, client.identity

        return link.run(action)


def _sent_words(sent: Sent, count: int) -> str:
    if not sent.needed:
        return f"all {count} files are there already"
    number = len(sent.needed)
    kept = count - number
    there = f", {sent.resumed} of them were there from before" if sent.resumed else ""
    return (
        f"{number} file{'' if number == 1 else 's'} sent ({sent.raw} bytes, packed "
        f"{sent.packed}{there}), {kept} already there"
    )


def _list_only(link: OtaLink, files: fileset.FileSet, downgrade: bool, terminal: Terminal) -> None:
    def action(client: OtaClient) -> tuple[str, ...]:
        terminal.say(describe(client.identity))
        needed = client.needed(files, downgrade)
        return needed.paths if needed.differs else ()

    paths = link.run(action)
    if not paths:
        click.echo("no file would be sent: the device has all of them")
        return
    table = Table("file", "bytes", box=None)
    table.columns[1].justify = "right"
    for path in paths:
        table.add_row(path, str(len(files.files[path])))
    Console(highlight=False).print(table)
    total = sum(len(files.files[path]) for path in paths)
    click.echo(f"{len(paths)} of {len(files.files)} files would be sent, {total} bytes")


def _await_verdict(
    at_broker: DeviceAtBroker,
    good: re.Pattern[str],
    terminal: Terminal,
    set_before: str | None = None,
) -> None:
    """Wait for what the device says of its trial; its log is shown meanwhile.

    set_before: the set that has run until now; then the device is asked, too, which one runs.
    """
    watch = _TrialWatch(good, set_before, terminal.restarted_s)
    begun = time.monotonic()
    hint = "waiting for the confirmation: 2 to 10 minutes (Ctrl-C: the device goes on alone)"
    with terminal.console.status(hint):
        if not terminal.console.is_terminal:
            terminal.say(hint)
        pause_s = _ASK_AFTER_S
        while not watch.ended and time.monotonic() - begun < _CONFIRM_LIMIT_S:
            left_s = begun + _CONFIRM_LIMIT_S - time.monotonic()
            at_broker.wait_for(watch.hear, min(pause_s, left_s), terminal.show)
            pause_s = _ASK_EVERY_S
            if set_before and not watch.ended and at_broker.availability == "online":
                with suppress(ToolError):
                    at_broker.command("getversion")
    if not watch.ended:
        state = at_broker.availability or "unknown"
        raise ToolError(
            f"no confirmation within {_CONFIRM_LIMIT_S / 60:.0f} minutes; {at_broker.device} is "
            f"{state}. `monmqtt {at_broker.device}` shows when it comes back, "
            f"`otacmd {at_broker.device} getversion` what it runs then"
        )
    if watch.failure:
        _ask_why(at_broker, terminal)
        raise ToolError(
            f"{watch.failure}. {at_broker.device} runs what it ran before; the lines above say "
            f"why, and so does `otacmd {at_broker.device} msg_exception`"
        )
    terminal.say(f"confirmed after {time.monotonic() - begun:.0f} s")


class _TrialWatch:
    """Hears the log until a trial has ended. failure: in what way it did not end well."""

    def __init__(self, good: re.Pattern[str], set_before: str | None, since_s: float) -> None:
        self.ended = False
        self.failure: str | None = None
        self._good = good
        self._set_before = set_before
        self._since_s = since_s

    def hear(self, message: Message) -> bool:
        """Whether this message ends it."""
        if message.topic != "Log" or message.at_s < self._since_s:
            return False
        went_back = _WENT_BACK.search(message.text)
        runs = _RUNS.search(message.text) if self._set_before else None
        if went_back:
            self.failure = went_back[0]
        elif runs and runs["set"] == self._set_before:
            self.failure = f"update failed, back to set {self._set_before}"
        elif not runs and not self._good.search(message.text):
            return False
        self.ended = True
        return True


def _ask_why(at_broker: DeviceAtBroker, terminal: Terminal) -> None:
    at_broker.wait_for(lambda message: False, _EXPLANATION_LIMIT_S, terminal.show)
    try:
        at_broker.command("msg_exception")
    except ToolError:
        return
    at_broker.wait_for(lambda message: False, _EXPLANATION_LIMIT_S, terminal.show)


def _broker_or_none(device: str, also: str | None, stack: ExitStack) -> DeviceAtBroker | None:
    """For those who gave the address themselves: the broker is of use, but not needed."""
    if not settings.has_mqtt_server():
        return None
    return stack.enter_context(DeviceAtBroker(device, also=also))


class _Way:
    """How to get to a device: its broker if there is one, and a link to its port."""

    def __init__(
        self,
        device: str,
        address: str | None,
        stack: ExitStack,
        also: str | None = None,
        central: tuple[str, str] | None = None,
    ) -> None:
        """central: of a device that sleeps, its name and the device's identity."""
        self.terminal = Terminal()
        key = secretsfile.otakey_for(device)
        self.at_broker: DeviceAtBroker | None
        self.central: otasleeper.Central | None = None
        if central:
            identity = otasleeper.parse_identity(central[1])
            manager = stack.enter_context(DeviceAtBroker(central[0], everything=True))
            self.central = otasleeper.Central(manager, identity, self.terminal.say)
            self.at_broker = stack.enter_context(DeviceAtBroker(device))
            self.central.await_device(self.at_broker)
            announced = open_port(self.at_broker, self.terminal)
            where = parse_address(address or announced.address)
        elif address is None:
            self.at_broker = stack.enter_context(DeviceAtBroker(device, also=also))
            where = parse_address(open_port(self.at_broker, self.terminal).address)
        else:
            self.at_broker = _broker_or_none(device, also, stack)
            where = parse_address(address)
            if self.at_broker and not _answers(where):
                open_port(self.at_broker, self.terminal)
        self.terminal.say(f"{device} at {where}")
        self.link = tcp_link(where, key, self.terminal)


def _answers(address: Address) -> bool:
    """Whether the port is open; a refusal is quick, and a caller who says nothing is no harm."""
    try:
        socket.create_connection(address, timeout=_CONNECT_LIMIT_S).close()
        return True
    except OSError:
        return False


# The commands.


@click.command()
@click.argument("device")
@click.argument("profile")
@click.option("--mpy", "compiled", is_flag=True, help="Compile first: less to send and to store.")
@click.option("--dry-run", is_flag=True, help="List what would be sent, change nothing.")
@click.option(
    "--allow-downgrade", "downgrade", is_flag=True, help="Also to a version that is lower."
)
@click.option("--no-reboot", is_flag=True, help="It starts the new program when it restarts.")
@click.option("--address", help="HOST or HOST:PORT, instead of the one that the device says.")
@click.option("--manager", help="Of a device that sleeps: its central at the broker.")
@click.option("--peer", metavar="IDENTITY", help="... and who it is there, 12 hex digits.")
def ota(
    device: str,
    profile: str,
    compiled: bool,
    dry_run: bool,
    downgrade: bool,
    no_reboot: bool,
    address: str | None,
    manager: str | None,
    peer: str | None,
) -> None:
    """Update DEVICE (its mqttname) to this repository's version of PROFILE.

    Opens it by MQTT, sends what differs, commits, restarts it, and waits until it has confirmed
    the update or gone back. What has arrived when the connection breaks is not sent again.
    """
    files = fileset.from_repository(profile, compiled)
    central = _central(manager, peer)
    with ExitStack() as stack:
        way = _Way(device, address, stack, central=central)
        if dry_run:
            _list_only(way.link, files, downgrade, way.terminal)
            return
        sent, identity = _stage(way.link, files, way.terminal, downgrade, not no_reboot)
        if not sent.differs:
            click.echo(f"{device} runs {profile} version {files.version} already: nothing differs")
            return
        if no_reboot:
            click.echo(
                f"{profile} version {files.version} is committed; {device} starts it when it "
                f"restarts: `otacmd {device} reboot`"
            )
            return
        if not way.at_broker:
            click.echo(f"{device} restarts; without mqttserver.txt its confirmation is not seen")
            return
        set_before = identity.get("set")
        if way.central:
            way.central.await_verdict(device, set_before, way.terminal.restarted_s)
        else:
            _await_verdict(way.at_broker, _CONFIRMED, way.terminal, set_before)
        before, now = identity.get("version", "?"), str(files.version)
        was = "" if before == now else f" (before: {before})"
        click.echo(f"{device}: update confirmed, {profile} version {now}{was}")


def _central(manager: str | None, peer: str | None) -> tuple[str, str] | None:
    if not manager and not peer:
        return None
    if not (manager and peer):
        raise ToolError("a device that sleeps wants both: --manager NAME and --peer IDENTITY")
    return manager, peer


@click.command()
@click.argument("profile")
@click.argument("address")
@click.option("--device", help="Whose otakey (its mqttname); default: EPX_OTAKEY.")
@click.option("--mpy", "compiled", is_flag=True, help="Compile first.")
@click.option("--allow-downgrade", "downgrade", is_flag=True, help="Also to a lower version.")
def otascript(
    profile: str, address: str, device: str | None, compiled: bool, downgrade: bool
) -> None:
    """Send PROFILE to the opened device at ADDRESS and commit it; it does not restart."""
    files = fileset.from_repository(profile, compiled)
    terminal = Terminal()
    link = tcp_link(parse_address(address), _key(device), terminal)
    sent, _ = _stage(link, files, terminal, downgrade)
    if sent.differs:
        click.echo(f"{profile} version {files.version} is committed; it starts with a restart")
    else:
        click.echo(f"{profile} version {files.version}: nothing differs")


def _key(device: str | None) -> str:
    if not device and not os.environ.get("EPX_OTAKEY"):
        raise ToolError(
            "whose otakey? Say --device NAME (its mqttname), or put the key into EPX_OTAKEY"
        )
    return secretsfile.otakey_for(device or "")


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ToolError(f"{path}: {error.strerror}") from None


@click.command("ota_config")
@click.argument("file")
@click.option("--device", help="Its mqttname now; default: the one in FILE.")
@click.option("--address", help="HOST or HOST:PORT, instead of the one that the device says.")
@click.option(
    "--drop-otakey", is_flag=True, help="Also without otakey: no more updates like this."
)
@click.option("--manager", help="Of a device that sleeps: its central at the broker.")
@click.option("--peer", metavar="IDENTITY", help="... and who it is there, 12 hex digits.")
def ota_config(
    file: str,
    device: str | None,
    address: str | None,
    drop_otakey: bool,
    manager: str | None,
    peer: str | None,
) -> None:
    """Check FILE, send it as config.txt, restart the device, and wait for its confirmation.

    A device that does not reach network and broker with it goes back to the one before.
    """
    data = _read(file)
    name, new_key = _checked_config(file, data, drop_otakey)
    device = device or name
    central = _central(manager, peer)
    with ExitStack() as stack:
        way = _Way(device, address, stack, also=name, central=central)
        sender = _ConfigSender(file, data, way.terminal)
        if not way.link.run(sender.send):
            click.echo(f"{device} has this config.txt already: nothing differs")
            return
        if name != device:
            way.terminal.say(f"from now on it is called {name}")
        if not way.at_broker:
            click.echo(f"{device} restarts; without mqttserver.txt its confirmation is not seen")
            return
        if way.central:
            way.central.await_verdict(device, None, way.terminal.restarted_s)
        else:
            _await_verdict(way.at_broker, _CONFIG_CONFIRMED, way.terminal)
        click.echo(f"{name}: config.txt confirmed")
        if new_key and secretsfile.keep_otakey(name, new_key):
            click.echo(f"its otakey is kept in {secretsfile.NAME}")


def _checked_config(file: str, data: bytes, drop_otakey: bool) -> tuple[str, str | None]:
    """mqttname and otakey of FILE, if the common keys are right."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ToolError(f"{file}: want UTF-8 text ({error.reason})") from None
    _refuse_config(file, text, None)
    name, key = settings.name_and_otakey(text)
    if not name:
        raise ToolError(
            f"{file} has no mqttname: without it the device would not reach the broker, and go "
            "back to what it has"
        )
    if not key and not drop_otakey:
        raise ToolError(
            f"{file} has no otakey: after that the device could not be reached like this any "
            "more. Put the line in, or say --drop-otakey if that is what you want"
        )
    return name, key


class _ConfigSender:
    """Sends a config.txt and has the device restart; may be repeated after a lost connection."""

    def __init__(self, file: str, data: bytes, terminal: Terminal) -> None:
        self._file = file
        self._data = data
        self._terminal = terminal
        self._sent = False

    def send(self, client: OtaClient) -> bool:
        """Whether the device had another one."""
        profile = client.identity.get("profile")
        if profile in profiles():
            _refuse_config(self._file, self._data.decode(), profile)
            self._terminal.say(f"checked with the keys of {profile}")
        if client.hash("/config.txt") != (len(self._data), hashlib.sha256(self._data).digest()):
            self._sent = True  # first: the answer may get lost
            client.put("/config.txt", self._data)
        if self._sent:
            self._terminal.restart(client)
        return self._sent


def _refuse_config(file: str, text: str, profile: str | None) -> None:
    problems = settings.config_problems(text, profile)
    if problems:
        lines = [f"  {problem.removeprefix('config.txt: ')}" for problem in problems]
        raise ToolError("\n".join([f"{file} is not sent:", *lines]))


_ACTIONS = {
    "send": "send FILE REMOTE: /NAME is a file of yours at the root; any other REMOTE belongs to "
    "the set, is staged, and needs `otacmd DEVICE commit`",
    "hash": "hash PATH: size and SHA-256 of a file on the device",
    "rm": "rm PATH: remove a file (of the set: staged, needs a commit)",
    "flavor": "flavor: which profile it is",
    "info": "info: all that it says about itself",
}
_ARGUMENTS = {"send": 2, "hash": 1, "rm": 1, "flavor": 0, "info": 0}


@click.command()
@click.argument("address")
@click.argument("action", type=click.Choice(list(_ACTIONS)))
@click.argument("arguments", nargs=-1)
@click.option("--device", help="Whose otakey (its mqttname); default: EPX_OTAKEY.")
def otatool(address: str, action: str, arguments: tuple[str, ...], device: str | None) -> None:
    """One thing with the opened device at ADDRESS.

    \b
    send FILE REMOTE  /NAME: a file of yours at the root; another REMOTE: one of
                      the set, staged beside the running one, needs a commit
    hash PATH         size and SHA-256
    rm PATH           remove it; one of the set is gone with the next commit
    flavor            which profile the device is
    info              all that it says about itself
    """
    if len(arguments) != _ARGUMENTS[action]:
        raise ToolError(f"want {_ACTIONS[action]}")
    terminal = Terminal()
    link = tcp_link(parse_address(address), _key(device), terminal)
    match action:
        case "send":
            _tool_send(link, terminal, _read(arguments[0]), arguments[1])
        case "hash":
            found = link.run(lambda client: client.hash(arguments[0]))
            if found is None:
                raise ToolError(f"there is no file {arguments[0]} on the device")
            click.echo(f"{found[1].hex()} {found[0]} {arguments[0]}")
        case "rm":
            _tool_remove(link, arguments[0])
        case "flavor":
            click.echo(link.run(lambda client: client.identity.get("profile", "")))
        case _:
            _tool_info(link.run(lambda client: client.identity))


def _check_path(path: str) -> None:
    problem = owner.path_problem(path)
    if problem:
        raise ToolError(f"{path}: {problem}")


def _tool_send(link: OtaLink, terminal: Terminal, data: bytes, remote: str) -> None:
    _check_path(remote)
    with terminal.progress() as progress:
        if remote.startswith("/"):
            words = link.run(lambda client: client.put(remote, data, progress))
            click.echo(f"{remote}: {len(data)} bytes sent{'; ' + words if words else ''}")
            return
        sent = link.run(lambda client: client.send_files({remote: data}, progress))
    _say_staged(remote, sent)


def _say_staged(path: str, sent: Sent) -> None:
    if sent.differs:
        click.echo(f"{path} is staged: `otacmd DEVICE commit`, then `otacmd DEVICE reboot`")
    else:
        click.echo(f"{path}: nothing differs")


def _tool_remove(link: OtaLink, path: str) -> None:
    _check_path(path)
    if path.startswith("/"):
        words = link.run(lambda client: client.remove(path))
        click.echo(f"{path} is removed{'; ' + words if words else ''}")
    else:
        _say_staged(path, link.run(lambda client: client.send_files({path: None})))


def _tool_info(identity: dict[str, str]) -> None:
    table = Table(box=None, show_header=False)
    for key in [*_IDENTITY_WORDS, *(key for key in identity if key not in _IDENTITY_WORDS)]:
        if key in identity:
            table.add_row(_IDENTITY_WORDS.get(key, key), _readable(key, identity[key]))
    Console(highlight=False).print(table)


def _readable(key: str, value: str) -> str:
    if key in ("trial", "staged", "rescue"):
        return {"0": "no", "1": "yes"}.get(value, value)
    if key == "free" and value.isdigit():
        return f"{int(value):,}"
    return "none" if value == "-" else value


@click.command()
@click.argument("address")
@click.argument("image")
@click.option("--device", help="Whose otakey (its mqttname); default: EPX_OTAKEY.")
@click.option(
    "--keep", metavar="DEVICE", help="Restart it, and keep the firmware if it is well then."
)
@click.option("--any-mpy", is_flag=True, help="Also if the program's .mpy files will not load.")
def otafwtool(
    address: str, image: str, device: str | None, keep: str | None, any_mpy: bool
) -> None:
    """Send the firmware IMAGE (.app.bin) to the opened device at ADDRESS.

    It runs from the next restart on, and is given up at the one after that unless it is kept:
    `otacmd DEVICE keepversion`, or --keep, which waits until the device is well.
    """
    firmware = firmwareimage.parse(_read(image), PurePosixPath(image).name)
    if not firmware.mpy and not any_mpy:
        raise ToolError(
            f"{image}: which .mpy files {firmware.project or 'it'} {firmware.version} reads is "
            "not known here. --any-mpy sends it; a program of .mpy files may not start with it"
        )
    terminal = Terminal()
    terminal.say(f"{firmware.project} {firmware.version} for {firmware.chip}")
    mpy = firmwareimage.ANY_MPY if any_mpy else firmware.mpy
    link = tcp_link(parse_address(address), _key(device or keep), terminal)
    with ExitStack() as stack:
        at_broker = stack.enter_context(DeviceAtBroker(keep)) if keep else None
        with terminal.progress() as progress:

            def action(client: OtaClient) -> None:
                client.firmware(firmware.data, mpy, progress)
                if keep:
                    terminal.restart(client)

            link.run(action)
        if not at_broker:
            click.echo(
                "written and checked; it runs after `otacmd DEVICE reboot`, and stays only after "
                "`otacmd DEVICE keepversion`"
            )
            return
        _keep_if_well(at_broker, terminal)
    click.echo(f"{keep}: {firmware.project} {firmware.version} is kept")


def _keep_if_well(at_broker: DeviceAtBroker, terminal: Terminal) -> None:
    """Wait until it is back and has been well for a while, then have the firmware kept."""
    back = "it is given up at the next restart, which brings the old one back"
    started = at_broker.wait_for(
        lambda message: (
            message.topic == "Log"
            and message.at_s >= terminal.restarted_s
            and bool(_STARTED.search(message.text))
        ),
        _CONFIRM_LIMIT_S,
        terminal.show,
    )
    if not started:
        raise ToolError(f"{at_broker.device} did not come back with the new firmware; {back}")
    trouble = at_broker.wait_for(_is_trouble, _HEALTHY_S, terminal.show)
    if trouble:
        raise ToolError(f"not kept, {at_broker.device} is not well ({trouble.text}); {back}")
    at_broker.command("keepversion")
    if not at_broker.wait_for(
        lambda message: message.topic == "Log" and _KEPT in message.text,
        _KEEP_LIMIT_S,
        terminal.show,
    ):
        raise ToolError(f"{at_broker.device} did not say that the firmware is kept; {back}")


def _is_trouble(message: Message) -> bool:
    if message.retained:
        return False
    gone = message.topic == "Availability" and message.text == "offline"
    return gone or (message.topic == "Log" and message.text.startswith("error "))
