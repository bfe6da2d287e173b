"""What a central knows of its peripherals: who is paired, who was heard, whose keys are ready."""

from struct import pack, unpack_from

from micropython import const

from epx import log
from epx.loop import uptime_s
from epx.nowstore import Pairs
from epx.nowwire import CONFIRMED, DATA, Channel

_REMEMBERED = const(26)  # bytes of each peripheral: the last two TIDs with their types
_DELIVERED = const(26)  # likewise, of data
_PACKED = const(">IIIIHbBB")
_PACKED_BYTES = const(21)
_MOST_LOST = const(64)  # a longer gap is a restart, which skips reserved numbers
_WARM = const(4)  # peripherals whose keys are ready, 1.5 KB each


class Peer:
    """One peripheral that was heard since boot."""

    up = down = None  # channels, while it is one of the last that were heard
    secret = None  # of a pairing that it has not made use of yet
    counter = 0
    tids = b""
    delivered = b""  # of data that is repeated until it is confirmed: nothing else may push it out
    seen_s = rssi_dbm = battery_mv = received = lost = 0
    cannot = False  # it has no settings for an update
    set = ""  # the file set that runs, as it has said when it woke
    update = None  # "waits", "taken", "cannot", "trial", then "done", or "old": it has the old one

    def __init__(self, identity):
        self.identity = identity

    def note(self, counter, rssi_dbm):
        """A packet of it was accepted."""
        gap = counter - self.counter - 1
        if self.counter and gap <= _MOST_LOST:
            self.lost += gap
        self.counter = counter
        self.received += 1
        self.seen_s = uptime_s()
        self.rssi_dbm = rssi_dbm

    def remember(self, mark, kind):
        """mark: type and TID of what was accepted."""
        if mark[0] == DATA and kind == CONFIRMED:
            self.delivered = (self.delivered + mark)[-_DELIVERED:]
        else:
            self.tids = (self.tids + mark)[-_REMEMBERED:]

    def knows(self, mark):
        """mark: a TID, with its type or without."""
        return mark in self.delivered or mark in self.tids

    def packed(self):
        """What is kept of one that has not been heard lately: a third of the heap."""
        return (
            pack(
                _PACKED,
                self.counter,
                self.seen_s,
                self.received,
                self.lost,
                self.battery_mv,
                self.rssi_dbm,
                1 if self.cannot else 0,  # a flag of any weight
                ord(self.set or "\0") & 0xFF,  # whatever it has said
            )
            + self.delivered
        )


def _unpacked(identity, data):
    peer = Peer(identity)
    fields = unpack_from(_PACKED, data)
    peer.counter, peer.seen_s, peer.received, peer.lost = fields[:4]
    peer.battery_mv, peer.rssi_dbm, cannot, letter = fields[4:]
    peer.cannot = bool(cannot)
    peer.set = chr(letter) if letter else ""
    peer.delivered = data[_PACKED_BYTES:]
    return peer


class Roster:
    """All peers. last: who was heard last, with keys. What none of the paired may repeat is never
    forgotten, but by unpairing: so a full table lets no replay in.

    heard: {identity: Peer, or that packed}. Each entry that is packed takes 100 bytes.
    """

    def __init__(self, network):
        self._network = network
        self.pairs = Pairs()
        self.heard = {}
        self._warm = []
        self.first_shown = 0  # of those heard, in the next list
        self.last = Peer(b"")

    def find(self, identity):
        """The Peer, with the key to check what it says; None if it is not paired."""
        peer = self.peer_of(identity)
        if peer is None or peer.up is None:
            secret = self.pairs.secret(identity)
            if secret is None:
                return None
            if peer is None:
                peer = Peer(identity)
            peer.up = Channel(secret, b"up", self._network)
        return peer

    def peer_of(self, identity):
        """The Peer; None if it was not heard since boot."""
        peer = self.heard.get(identity)
        return _unpacked(identity, peer) if isinstance(peer, bytes) else peer

    def cool(self, peer):
        """That was not it: give its key back, unless it is one of those that are ready."""
        if peer not in self._warm and not peer.secret:
            peer.up = None

    def keep_warm(self, peer):
        """It has proved who it is, or is to be told something: keep its keys at hand."""
        self.heard[peer.identity] = peer
        warm = self._warm
        if peer in warm:
            warm.remove(peer)
        elif len(warm) >= _WARM:
            cold = warm.pop(0)
            cold.up = cold.down = None
            if cold.update is None:
                self.heard[cold.identity] = cold.packed()
        warm.append(peer)
        self.last = peer

    def channel_to(self, identity):
        """(Peer, channel down); (None, None) if it is not paired."""
        peer = self.find(identity)
        if peer is None:
            return None, None
        if peer.down is None:
            secret = self.pairs.secret(identity)
            if secret is None:
                return None, None
            peer.down = Channel(secret, b"down", self._network)
        self.keep_warm(peer)
        return peer, peer.down

    def replace(self, peer):
        """peer uses the secret that was agreed on last: now it is kept."""
        earlier = self.peer_of(peer.identity)
        if earlier:
            self.drop(peer.identity)
            peer.tids = earlier.tids
            peer.update, peer.set = earlier.update, earlier.set
            peer.delivered = earlier.delivered
        heard = [self.peer_of(identity) for identity in self.heard]
        longest_unheard_first = sorted(heard, key=lambda peer: peer.seen_s)
        seen = [peer.identity for peer in longest_unheard_first]
        victim = self.pairs.put(peer.identity, peer.secret, seen)
        peer.secret = None
        log.info("netnow: paired, %d known", len(self.pairs.index))
        if victim:
            log.warn("netnow: too many pairs, the longest unheard one is given up")
            self.drop(victim)

    def drop(self, identity):
        """Forget what was heard of it."""
        peer = self.heard.pop(identity, None)
        if peer in self._warm:
            self._warm.remove(peer)
        if peer is self.last:
            self.last = Peer(b"")

    def unpair(self, identity):
        """True if it was paired."""
        self.drop(identity)
        return self.pairs.remove(identity)
