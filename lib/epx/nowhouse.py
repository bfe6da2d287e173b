"""What a central tells the house about its peripherals, and what the house may tell it."""

from binascii import unhexlify

from epx import diag, log
from epx.clock import MINUTES
from epx.payloads import on_off, text
from epx.topics import Pub, Sub

TOPICS = (
    # JSON: how many are paired, how many were heard since boot, and six of these: seconds since
    # the last packet, dBm, percent lost on the way, mV if it measures its battery, what has become
    # of an update (waits, taken, cannot, trial, done, or old: it has the old one), the file set
    # that runs. If there are more, the next six follow.
    Pub("Peers", "peers", every_ms=5 * MINUTES),
    # For 5 minutes a peripheral that is known already may be paired again.
    Sub("Pair", "open_window", on_off),
    # Forget the peripheral with this identity, 12 hex digits.
    Sub("Unpair", "unpair", text(12)),
    # An update waits for the peripheral with this identity; it is told when it wakes.
    Sub("Update", "announce_update", text(12)),
)


class House:
    """Bound to MQTT by its central."""

    def __init__(self, central):
        self._central = central

    def peers(self):
        from epx import nowlist

        diag.forget("epx", "nowlist")
        return nowlist.page(self._central.roster)

    def open_window(self, is_open):
        self._central.desk.open_window(is_open)

    def unpair(self, digits):
        identity = self._identity_of(digits)
        desk = self._central.desk
        if desk.pending and desk.pending.peer.identity == identity:
            desk.pending = None
        if identity and self._central.roster.unpair(identity):
            if self._central.back:
                self._central.back.drop(identity)
            log.info("netnow: %s is not paired any more", digits)

    def announce_update(self, digits):
        identity = self._identity_of(digits)
        if identity:
            from epx import nowupdates

            peer = self._central.roster.channel_to(identity)[0]
            if peer:  # None: its secret cannot be read any more
                nowupdates.announce(peer)

    def _identity_of(self, digits):
        try:
            identity = unhexlify(digits)
        except ValueError:
            identity = None
        if identity in self._central.roster.pairs.index:
            return identity
        log.answer("netnow: want 12 hex digits of a paired device, not %s", digits)
        return None
