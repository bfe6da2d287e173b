"""What becomes of updates of peripherals, as their central hears it; loaded while there is one."""

from binascii import hexlify

from epx import log
from epx.nowwire import NO_UPDATE, ON_TRIAL


def announce(peer):
    """One waits for it. Again while one is on trial: then it is too early."""
    if peer.update == "trial":
        change(peer, "trial")
    else:
        change(peer, "cannot" if peer.cannot else "waits")


def note_flags(peer, extra):
    """Of any packet."""
    if peer.update == "waits" and extra & NO_UPDATE:
        change(peer, "cannot")
    elif extra & ON_TRIAL and peer.update != "trial":
        change(peer, "trial")


def noticed(peer):
    """It has heard that one waits."""
    if peer.update == "waits":
        change(peer, "taken")


def note_state(peer, state, is_on_trial):
    """state: set, and what it says about an update that has failed. Is an update over?"""
    runs, why = state[:1], state[1:]
    if peer.update in ("taken", "trial") and not is_on_trial:
        # On trial it has named the new one, before that the old one.
        has_failed = why or (runs == peer.set) != (peer.update == "trial")
        change(peer, "old" if has_failed else "done", ", set %s %s" % (runs, why))


def change(peer, update, more=""):
    """The tools wait for these lines."""
    peer.update = update
    identity = hexlify(peer.identity).decode()
    log.answer("netnow: update of %s: %s%s", identity, update, more)
