"""Floods: fifty forged packets per second in the names of known devices, and more."""

import pytest

from testsuite.soak.radioflood import DATA, TYPES, Flood

_DEADLINE_MS = 15_000
_MOST_BUSY_PCT = 30


@pytest.fixture
def flood(world):
    flood = Flood(world)
    yield flood
    assert not flood.village.guard.accepted, flood.village.guard.accepted[0]
    assert not flood.village.account.problems, flood.village.account.problems


def test_fifty_per_second_of_any_type_do_not_hinder(flood):
    quiet = flood.run((), 0, minutes=1)
    assert quiet.busy_pct < 2 and quiet.waits_ms
    for kind in TYPES:
        result = flood.run((kind,), 50, minutes=1)
        judged = flood.village.guard.judged["central", kind]
        assert judged > 2500, (kind, judged)
        # Each costs what the table says: the flood was there.
        assert 8 < result.busy_pct <= _MOST_BUSY_PCT, (kind, result.busy_pct)
        assert len(result.waits_ms) >= 3 and max(result.waits_ms) < _DEADLINE_MS, kind
        assert result.dropped == 0
    # They were in the names of devices whose keys were not at hand.
    assert flood.strangers() > 4


def test_four_hundred_per_second_hinder_and_harm_nobody(flood):
    """All of the central's time is gone then: packets are dropped, readings come late, and are
    told once it is over."""
    result = flood.run((DATA,), 400, minutes=1)
    assert result.busy_pct > 90 and result.dropped > 1000
    central = flood.central
    assert central.resets == [] and central.crash is None
    assert not [ms for ms in result.waits_ms if ms > 75_000], result.waits_ms
