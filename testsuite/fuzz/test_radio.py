"""Hostile packets on the radio, found by hypothesis: see testsuite/unit/now_hostile.py.

To both roles: packets of any bytes, which change nothing, and bodies of any bytes with the right
keys, which raise nothing and leave alone what they must.
"""

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from testmock.simworld.scene import end_world, make_world
from testsuite.fuzz.test_fuzz import EXAMPLES

# How the examples are shared out, and how long they are.
SHARES = {
    ("central", "plain"): (0.2, 250),
    ("central", "sealed"): (0.4, 250),
    ("peripheral", "plain"): (0.1, 250),
    ("peripheral", "sealed"): (0.3, 250),
}


class Bench:
    """A simulated device whose program is now_hostile."""

    def __enter__(self):
        self.world = make_world(None, None)
        device = self.world.device
        device.extra_paths = ("testsuite/unit",)
        device.powered = True
        program = device.prepare()
        self.scene = device.run(lambda: program.load("now_hostile").Scene())
        return self

    def __exit__(self, *error):
        end_world(self.world)

    def run(self, role, kind, data):
        self.world.device.run(lambda: self.scene.run(role, kind, data))


# The beginnings that get furthest: version, type, and the network of PSK and group.
NETWORK = bytes.fromhex("30a274b8")
bodies_end = st.binary(max_size=90)
packets = st.one_of(
    st.binary(min_size=0, max_size=250),
    st.builds(
        lambda kind, peer, rest: b"\x03" + bytes((kind,)) + NETWORK + peer + rest,
        st.integers(0, 7),
        st.sampled_from((b"\x02\0\0\0\0\7", bytes(6), b"\x24\x0a\xc4\0\0\1")),
        st.binary(min_size=0, max_size=238),
    ),
)
# How now_hostile seals a packet, in eight bytes; then a payload: any, or one that means something.
bodies = st.builds(
    lambda how, payload: how + payload,
    st.binary(min_size=8, max_size=8),
    st.one_of(
        st.binary(min_size=0, max_size=176),
        st.sampled_from((b"stat/X/Y\n5", b"stat/X/Y\n", b"stat/X/Z\n5", b"\n", b"\xff\n\xff")),
        st.builds(lambda mac, more: mac + more, st.just(b"\x02\0\0\0\0\7"), st.binary(max_size=2)),
        st.builds(
            lambda tid, more: bytes((tid & 3,)) + bytes(11) + more, st.integers(0, 3), bodies_end
        ),
    ),
)


@pytest.mark.parametrize(("role", "kind"), SHARES)
def test_no_packet_does_harm(role, kind, request):
    number = request.config.getoption("--seed")
    share = SHARES[role, kind][0]
    with Bench() as bench:

        @seed(number)
        @settings(
            max_examples=max(10, int(EXAMPLES * share)),
            database=None,
            deadline=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )
        @given(st.lists(packets if kind == "plain" else bodies, max_size=4))
        def example(data):
            bench.run(role, kind, b"".join(bytes((len(part),)) + part for part in data))

        example()
        print(f"\n{bench.scene.examples} examples of {role} {kind}, seed {number}")
        # That authentic ones got somewhere.
        if kind == "sealed":
            refused = bench.scene.roles[role].now.refused
            wanted = (3, 6, 7, 8) if role == "central" else (6, 7, 8)
            assert all(refused[reason] for reason in wanted), list(refused)
