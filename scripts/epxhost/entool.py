"""`entool`: packets of the radio, built, shown, checked; a PC on the air of simulated devices."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from epxhost import nowattack, nowcapture, nowpackets
from epxhost.errors import ToolError
from epxhost.nowair import BROADCAST, Attacker, RealEther, frame
from epxhost.nowcentral import PlayedCentral
from epxhost.nowcheck import Check, Judged, as_ms
from epxhost.nowkeys import Pairs, Radio, radio
from epxhost.nowpackets import FROM_PAIR, SORTS, TYPES, Keys, open_packet, wire
from epxhost.nowperipheral import PlayedPeripheral

_PORT = 4003
_FILE = click.Path(dir_okay=False, path_type=Path)


class Hex(click.ParamType):
    """Bytes in hex, of one length or of any."""

    name = "hex"

    def __init__(self, size: int | None = None) -> None:
        self._size = size

    def convert(self, value: Any, param: Any, ctx: Any) -> bytes:
        if isinstance(value, bytes):
            return value
        try:
            data = bytes.fromhex(value.replace(":", ""))
        except ValueError:
            data = None
        if data is None or self._size not in (None, len(data)):
            size = "" if self._size is None else f"{2 * self._size} "
            self.fail(f"want {size}hex digits", param, ctx)
        return data


_IDENTITY = Hex(nowpackets.IDENTITY_BYTES)


def _together(*options: Callable) -> Callable:
    def decorate(command: Callable) -> Callable:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


_with_keys = _together(
    click.option("--config", type=_FILE, help="A config.txt of the group."),
    click.option("--group", help="Its name; the PSK is EPX_ESPNOWPSK, or asked for."),
    click.option("--pairs", "pairs_file", type=_FILE, help="Secrets of pairs, kept by entool."),
)
_on_air = _together(
    click.option("--ether", "port", type=click.IntRange(1, 65535), default=_PORT,
                 show_default=True, help="Port of the air, as `scripts/test.py --ether` has it."),
)  # fmt: skip


def _mac(last: int) -> Callable:
    default = f"02e57001{last:04x}"
    return click.option("--mac", type=_IDENTITY, default=default, show_default=True)


def _channel(words: str, default: int | None = None) -> Callable:
    return click.option("--channel", type=click.IntRange(1, 14), default=default, help=words)


def _keys(config: Path | None, group: str | None, pairs_file: Path | None) -> Keys | None:
    """None: none are given."""
    if not config and not group:
        return None
    return radio(config, group).keys(Pairs(pairs_file).secrets())


def _topic_and_value(text: str) -> bytes:
    topic, blank, value = text.partition(" ")
    if not blank:
        raise ToolError(f"want a topic and a value, as in 'stat/TNow/Value 1', not '{text}'")
    return f"{topic}\n{value}".encode()


def _say(ether: RealEther) -> Callable[[str], None]:
    return lambda words: click.echo(f"{ether.now_ms() / 1000:9.3f} {words}")


@click.group()
def entool() -> None:
    """Packets of the radio (ESP-NOW): build, show, check, send them; play a device.

    The air is that of `scripts/test.py PROFILE --ether PORT`, on this computer.
    """


@entool.command()
@click.argument("what", type=click.Choice(list(SORTS)), metavar="WHAT")
@_with_keys
@click.option("--peer", type=_IDENTITY, help="The peripheral; default: everybody.")
@click.option("--counter", type=click.IntRange(0, 2**32 - 1), default=1)
@click.option("--tid", type=Hex(wire.TID_BYTES), help="Default: a random one.")
@click.option("--time", "time", type=Hex(wire.TIME_BYTES), default="00" * wire.TIME_BYTES)
@click.option("--extra", type=click.IntRange(0, 2**16 - 1), default=0, help="Voltage, flags.")
@click.option("--payload", type=Hex(), default="", help="In hex.")
@click.option("--tell", metavar="'TOPIC VALUE'", help="The payload of data and back data.")
@click.option("--type", "type_", type=click.IntRange(0, 255), help="Another type than WHAT has.")
@click.option("--kind", type=click.IntRange(0, 255), help="Another kind than WHAT has.")
def build(
    what: str,
    config: Path | None,
    group: str | None,
    pairs_file: Path | None,
    peer: bytes | None,
    counter: int,
    tid: bytes | None,
    time: bytes,
    extra: int,
    payload: bytes,
    tell: str | None,
    type_: int | None,
    kind: int | None,
) -> None:
    """Print a packet. WHAT is ask, exchange, wakeup, ping, data, data-confirmed, receipt (of a
    peripheral), time, confirm, back-data, agreed, known or later (of a central)."""
    sort = SORTS[what]
    keys = radio(config, group).keys(Pairs(pairs_file).secrets())
    peer = peer or wire.EVERYBODY
    channel = keys.channel(sort.owner, sort.direction, peer)
    if channel is None:
        raise ToolError(f"no secret of {peer.hex()}: say --peer, and --pairs with its pairing")
    changes = {"type": type_, "kind": kind}
    sort = sort._replace(**{name: value for name, value in changes.items() if value is not None})
    payload = _topic_and_value(tell) if tell else payload
    tid = tid or os.urandom(wire.TID_BYTES)
    click.echo(nowpackets.build(channel, sort, peer, counter, tid, time, extra, payload).hex())


@entool.command()
@click.argument("packet")
@_with_keys
@click.option("--last-counter", type=int, default=0, help="The receiver has accepted this one.")
@click.option("--now", type=Hex(wire.TIME_BYTES), help="Network time of the receiver.")
def show(
    packet: str,
    config: Path | None,
    group: str | None,
    pairs_file: Path | None,
    last_counter: int,
    now: bytes | None,
) -> None:
    """All fields of PACKET (hex, or a recording), and whether a device would refuse it, and why.

    Without keys: what everybody can see.
    """
    keys = _keys(config, group, pairs_file)
    if Path(packet).is_file():
        check = Check(keys)
        for recorded in nowcapture.read(Path(packet)):
            click.echo(f"{recorded.line().rpartition(' ')[0]}")
            _show(check.add(recorded))
        return
    data = Hex().convert(packet, None, None)
    recorded = nowcapture.Frame(0, 0, bytes(6), bytes(6), data)
    check = Check(keys, None if now is None else as_ms(now))
    opened = open_packet(data, keys)
    if opened.packet and opened.packet.type in FROM_PAIR:
        check.history.peers[opened.packet.peer].counter = last_counter
    _show(check.add(recorded))


def _show(judged: Judged) -> None:
    for name, value in nowpackets.fields(judged.opened):
        click.echo(f"  {name:14} {value}")
    click.echo(f"  {'verdict':14} {judged.words()}\n")


@entool.command()
@click.argument("recording", type=_FILE)
@_with_keys
@click.option("--list", "lists", is_flag=True, help="Name each packet that would be refused.")
def check(
    recording: Path,
    config: Path | None,
    group: str | None,
    pairs_file: Path | None,
    lists: bool,
) -> int:
    """Statistics of RECORDING (of `entool listen --save`, or pcap of a Wi-Fi sniffer): what there
    is, what was lost, replays, wrong tags. Status 1 if a device would refuse something."""
    found = Check(_keys(config, group, pairs_file))
    frames = nowcapture.read(recording)
    for number, recorded in enumerate(frames, 1):
        judged = found.add(recorded)
        if lists and judged.reason:
            click.echo(f"{recorded.ms:.0f} ms, packet {number}: {judged.words()}")
    for line in found.report():
        click.echo(line)
    return 1 if found.refused else 0


@entool.command()
@_with_keys
@_on_air
@click.option("--save", type=_FILE, help="Record to this file.")
@click.option("--seconds", type=float, help="So long; default: until Ctrl-C.")
@click.option("--count", type=int, help="So many packets.")
def listen(
    config: Path | None,
    group: str | None,
    pairs_file: Path | None,
    port: int,
    save: Path | None,
    seconds: float | None,
    count: int | None,
) -> None:
    """Show everything that is on the air, of all channels."""
    found = Check(_keys(config, group, pairs_file))
    frames: list[nowcapture.Frame] = []

    def hear(heard: Any) -> None:
        frames.append(frame(ether, heard))
        judged = found.add(frames[-1])
        _say(ether)(f"{frames[-1].line().split(' ', 1)[1][:45]} {judged.words()}")

    with RealEther(port) as ether:
        ether.sniff(hear)
        click.echo(f"listening at port {port}", err=True)
        try:
            ether.run(lambda: count is not None and len(frames) >= count, seconds)
        finally:
            if save:
                nowcapture.write(save, frames)


@entool.command()
@click.argument("packet")
@_on_air
@_mac(3)
@_channel("Where; in a recording each packet says it.", 1)
@click.option("--to", "destination", type=_IDENTITY, default=BROADCAST.hex(), show_default=True)
@click.option("--long-range", is_flag=True)
def send(
    packet: str, port: int, mac: bytes, channel: int, destination: bytes, long_range: bool
) -> None:
    """Send PACKET (hex, or a recording: all of it, one after the other)."""
    if Path(packet).is_file():
        frames = nowcapture.read(Path(packet))
    else:
        data = Hex().convert(packet, None, None)
        frames = [nowcapture.Frame(0, channel, mac, destination, data)]
    with RealEther(port) as ether:
        for one in frames:
            sent = ether.transmit(
                one.channel or channel, one.source, one.destination, one.data,
                long_range=long_range,
            )  # fmt: skip
            if not ether.run(lambda sent=sent: sent.done, 2):
                raise ToolError(f"nobody carries the air at port {port}")
            heard = ", acknowledged" if sent.acknowledged else ""
            click.echo(f"sent on channel {sent.channel}{heard}")


@entool.command()
@_with_keys
@_on_air
@_mac(1)
@_channel("Stay on it; default: look on all.")
@click.option("--send", "messages", multiple=True, metavar="'TOPIC VALUE'", help="A reading.")
@click.option("--mode", type=click.IntRange(0, 2), default=2, help="0, 1, 2: as send_data().")
@click.option("--limit", "limit_s", type=float, default=120, show_default=True, help="Seconds.")
@click.option("--stay", "stay_s", type=float, help="So many seconds more, for back data.")
@click.option("--battery", "millivolts", type=click.IntRange(0, wire.MILLIVOLTS), default=0)
def peripheral(
    config: Path | None,
    group: str | None,
    pairs_file: Path | None,
    port: int,
    mac: bytes,
    channel: int | None,
    messages: tuple[str, ...],
    mode: int,
    limit_s: float,
    stay_s: float | None,
    millivolts: int,
) -> None:
    """Be a peripheral: find the central, pair with it, send, show back data."""
    payloads = [_topic_and_value(text) for text in messages]
    found, pairs = radio(config, group), Pairs(pairs_file)
    with RealEther(port) as ether:
        extra = wire.NO_UPDATE | millivolts
        played = PlayedPeripheral(ether, mac, found, pairs, _say(ether), channel, extra)
        played.start()
        if not ether.run(lambda: played.state == "ready", limit_s):
            raise ToolError(f"no central has answered within {limit_s:.0f} s")
        _send_all(ether, played, payloads, mode, limit_s)
        if stay_s is not None or not payloads:
            ether.run(limit_s=stay_s)


def _send_all(
    ether: RealEther, played: PlayedPeripheral, payloads: list[bytes], mode: int, limit_s: float
) -> None:
    confirmed: list[bool] = []
    for payload in payloads:
        if mode == 2:
            played.send(payload, 2, lambda: confirmed.append(True))
            continue
        sent = played.send(payload, mode)
        ether.run(lambda sent=sent: sent.done, limit_s)
        heard = sent.acknowledged if mode == 1 else "unknown"
        _say(ether)(f"sent, acknowledged: {heard}")
    if mode == 2 and not ether.run(lambda: len(confirmed) == len(payloads), limit_s):
        raise ToolError(f"{len(confirmed)} of {len(payloads)} confirmed within {limit_s:.0f} s")


@entool.command()
@_with_keys
@_on_air
@_mac(2)
@_channel("Default: that of config.txt.")
@click.option("--window", is_flag=True, help="Pair with known peripherals, too.")
@click.option("--back", multiple=True, metavar="'PEER TOPIC VALUE'", help="Back data for PEER.")
@click.option("--seconds", type=float, help="So long; default: until Ctrl-C.")
def central(
    config: Path | None,
    group: str | None,
    pairs_file: Path | None,
    port: int,
    mac: bytes,
    channel: int | None,
    window: bool,
    back: tuple[str, ...],
    seconds: float | None,
) -> None:
    """Be a central: tell the time, pair, show and confirm what peripherals send."""
    found: Radio = radio(config, group)
    with RealEther(port) as ether:
        played = PlayedCentral(ether, mac, found, Pairs(pairs_file), _say(ether), channel)
        played.window = window
        for text in back:
            peer, _, rest = text.partition(" ")
            played.send_back(_IDENTITY.convert(peer, None, None), _topic_and_value(rest))
        played.start()
        click.echo(f"on channel {played.station.tuned} of port {port}", err=True)
        try:
            ether.run(limit_s=seconds)
        finally:
            for reason, count in played.refused.items():
                click.echo(f"refused: {reason}, {count} times")


@entool.command()
@click.argument("way", type=click.Choice(nowattack.WAYS))
@_on_air
@_mac(3)
@_channel("For what is forged.", 1)
@click.option("--recording", type=_FILE, help="What to repeat or to spoil.")
@click.option("--listen", "listen_s", type=float, default=40, show_default=True,
              help="Without a recording: record so many seconds before.")  # fmt: skip
@click.option("--count", type=click.IntRange(1), default=10, show_default=True)
@click.option("--per-second", type=click.FloatRange(0.01, 1000), default=10, show_default=True)
@click.option("--type", "type_", type=click.Choice(sorted(TYPES.values())), help="Only this type.")
@click.option("--size", type=click.IntRange(1, wire.MOST_BYTES), default=76, show_default=True)
def attack(
    way: str,
    port: int,
    mac: bytes,
    channel: int,
    recording: Path | None,
    listen_s: float,
    count: int,
    per_second: float,
    type_: str | None,
    size: int,
) -> None:
    """Do what somebody without keys can do: replay what was recorded, flip bits of it, forge
    packets for those who were heard, flood with packets from ever new addresses."""
    numbers = {name: number for number, name in TYPES.items()}
    with RealEther(port) as ether:
        attacker = Attacker(ether, mac, channel)
        if recording:
            nowattack.remember(attacker, nowcapture.read(recording))
        else:
            ether.run(limit_s=listen_s)
            click.echo(f"{len(attacker.recorded)} packets recorded")
        kind = numbers[type_] if type_ else None
        attacking = nowattack.Attack(attacker, way, count, per_second, kind, size)
        attacking.start()
        ether.run(attacking.is_over)
        click.echo(f"{attacking.sent} packets sent")
