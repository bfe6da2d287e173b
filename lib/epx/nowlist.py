"""The list of peripherals that a central publishes every few minutes; loaded for that."""

from binascii import hexlify

from micropython import const

from epx.loop import uptime_s

_PER_PAGE = const(6)  # so that a list fits the default of mqttpacket


def page(roster):
    """The next six of those paired, as JSON."""
    paired = sorted(roster.pairs.index)
    first = roster.first_shown if roster.first_shown < len(paired) else 0
    roster.first_shown = first + _PER_PAGE
    rows = []
    for identity in paired[first : first + _PER_PAGE]:
        rows.append(_row(identity, roster.peer_of(identity)))
    return '{"paired":%d,"heard":%d,"first":%d,"peers":[%s]}' % (
        len(paired),
        len(roster.heard),
        first,
        ",".join(rows),
    )


def _row(identity, peer):
    """Loss is in percent of what it has sent, repetitions included."""
    words = '{"id":"%s"' % hexlify(identity).decode()
    if peer is None:
        return words + "}"
    if peer.received:
        words += ',"seen_s":%d,"rssi":%d,"loss":%d' % (
            uptime_s() - peer.seen_s,
            peer.rssi_dbm,
            100 * peer.lost // (peer.lost + peer.received),
        )
    if peer.battery_mv:
        words += ',"battery_mv":%d' % peer.battery_mv
    if peer.update:
        words += ',"update":"%s"' % peer.update
    if peer.set:
        words += ',"set":"%s"' % peer.set
    return words + "}"
