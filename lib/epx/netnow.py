"""What central and peripheral have in common: the radio, and the way a packet is judged.

The radio is a stream of the loop. Each packet is looked at in the order of what that costs:
version, length, network, type, sender, tag, and only then what it says. One reason is counted for
each refusal. Nothing is allocated for a packet before its tag is right but what hashing needs.
"""

import os
import select

import network
from espnow import ESPNow
from micropython import const

from epx import log
from epx.loop import Poll
from epx.nowwire import (
    HEAD_BYTES,
    LEAST_BYTES,
    MOST_BYTES,
    TAG_BYTES,
    TID_BYTES,
    Group,
)

_VERSION = const(3)
_RX_BYTES = const(2176)  # eight of the longest packets, with what the driver adds
_PER_TURN = const(4)  # packets; others of the loop want a turn, too
_MOST_SENDERS = const(32)
BROADCAST_MAC = b"\xff" * 6

# Why packets are refused.
OTHER_VERSION = const(0)
LENGTH = const(1)
OTHER_NETWORK = const(2)
ROLE = const(3)
UNKNOWN_PEER = const(4)
NOT_AUTHENTIC = const(5)
WRONG_TIME = const(6)
REPLAY = const(7)
CONTENT = const(8)
REASONS = (
    "another version of the protocol",
    "no packet has this length",
    "another network",
    "not for this role",
    "unknown peer",
    "not authentic",
    "wrong time",
    "replay",
    "content",
)


class NetNow:
    """The radio of one device; see NetNowCentral and NetNowPeripheral."""

    sender = None  # identity of who sent what a command is called for
    _radio = None
    _poll = None
    _hearer = None

    def __init__(self, config):
        self._config = config
        self.group = Group(config.espnowpsk, config.espnowgroup)
        self.refused = [0] * len(REASONS)
        self._interface = network.WLAN(network.STA_IF)
        self._network = self.group.network
        self._buffer = buffer = bytearray(MOST_BYTES)
        self._received = [None, buffer, 0, 0]  # sender's MAC, packet, RSSI, ms
        view = memoryview(buffer)
        self._network_view = view[2:6]
        self._peer_view = view[6:12]
        self._tid_view = view[16:HEAD_BYTES]
        self._nonce_view = view[12:HEAD_BYTES]
        # {size: what is under the tag, ciphertext, tag}; twelve sizes are right.
        self._cuts = {}
        self._cut_of = self._cuts.get

    def bind(self, source, rows):
        """Call the commands of source that the Hear rows name."""
        if self._hearer is None:
            from epx.nowhear import Hearer

            self._hearer = Hearer()
        self._hearer.bind(source, rows)

    def identity(self):
        """6 bytes; the MAC of the station."""
        return self._interface.config("mac")

    # The radio.

    def _open_radio(self, channel):
        """Be on the air; channel None: the access point's."""
        interface = self._interface
        if not interface.active():
            interface.active(True)
        if channel is None:
            # A radio that naps between beacons misses most of what peripherals send.
            interface.config(pm=network.WLAN.PM_NONE)
        else:
            if self._config.espnowlongrange:
                interface.config(protocol=network.MODE_LR)
            interface.config(channel=channel)
        radio = self._radio
        if radio is None:
            radio = self._radio = ESPNow()
        radio.active(False)
        radio.config(rxbuf=_RX_BYTES)
        radio.active(True)
        self._know(BROADCAST_MAC)
        if self._poll is None or not self._poll.active():
            self._poll = Poll(radio, select.POLLIN, self._serve, core=True)

    def _close_radio(self):
        if self._poll:
            self._poll.cancel()
            self._poll = None
        if self._radio:
            self._radio.active(False)
            self._interface.active(False)

    def _know(self, mac):
        """Packets go only to who was made known to the driver."""
        self._known = mac
        try:
            self._radio.add_peer(mac)
        except OSError:  # it is known
            pass

    def _send(self, mac, packet, sync=False):
        """True if it is on the air, and, with sync, the radio at mac has acknowledged it."""
        try:
            return self._radio.send(mac, packet, sync)
        except OSError as error:
            log.warn("netnow: %s", error)
            return False

    # What comes.

    def _serve(self, events):
        turns = _PER_TURN
        while turns:
            turns -= 1
            size = self._receive()
            if not size:
                break
            self._take(size)
        # The driver notes everybody it ever heard: on a busy or hostile channel without end.
        if len(self._radio.peers_table) > _MOST_SENDERS:
            _empty(self._radio.peers_table)

    def _receive(self):
        """Apart from its caller, as a function with a try has a longer frame."""
        try:
            return self._radio.recvinto(self._received, 0)
        except ValueError:
            return self._lost_its_place()

    def _lost_its_place(self):
        """A packet longer than any of ours, which others may send since ESP-IDF 5.4: the port has
        one byte for its length, and from then on takes anything for the head of one. Or it was
        asked while it was writing one. What waits in its buffer is lost."""
        self.refuse(LENGTH)
        radio = self._radio
        radio.active(False)
        radio.active(True)
        for mac in (BROADCAST_MAC, self._known):
            self._know(mac)

    def _take(self, size):
        """The checks that cost nothing. Short: see nowwire.Channel."""
        buffer = self._buffer
        cut = self._cut_of(size) or self._cut(size)
        if cut and buffer[0] == _VERSION and self._network_view == self._network:
            self._judge(buffer[1], cut)
        elif buffer[0] != _VERSION:
            self.refuse(OTHER_VERSION)
        else:
            self.refuse(OTHER_NETWORK if cut else LENGTH)

    def _cut(self, size):
        """For _cuts; None if no packet has this size."""
        if size < LEAST_BYTES or size & 15 != HEAD_BYTES - TAG_BYTES:
            return None
        view = memoryview(self._buffer)
        end = size - TAG_BYTES
        cut = self._cuts[size] = (view[:end], view[HEAD_BYTES:end], view[end:size])
        return cut

    def refuse(self, reason):
        count = self.refused[reason] + 1
        self.refused[reason] = count
        if count == 1:
            log.warn("netnow: refused: %s (said once)", REASONS[reason])

    def _opened(self, channel, cut):
        """The body of what has come, or None."""
        if channel.is_authentic(cut[0], cut[2]):
            return channel.body(self._nonce_view, cut[1])
        self.refuse(NOT_AUTHENTIC)
        return None

    def _dispatch(self, body):
        """Give a payload to whom it is for."""
        if self._hearer is None or not self._hearer.dispatch(body):
            self.refused[CONTENT] += 1

    def new_tid(self):
        return os.urandom(TID_BYTES)


def _empty(table):
    """Empty a dictionary that the port has locked: nothing else gives that memory back.

    The lock is bit 1 of its second word, the number of entries is above bit 2 (py/obj.h). Where
    that does not hold nothing is changed.
    """
    from struct import calcsize

    from uctypes import bytearray_at

    flags = bytearray_at(id(table) + calcsize("P"), 1)
    if flags[0] == (len(table) & 31) << 3 | 2:
        flags[0] &= 0xFD
        table.clear()
