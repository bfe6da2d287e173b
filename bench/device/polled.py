"""What the MQTT benches share: a client that the loop polls, and the median of ratios."""

import gc

from epx import loop

_RUNS = 5


class Polled:
    """Opens client at address and serves it from the loop, asking for no event in vain."""

    def __init__(self, client, address):
        self.client = client
        client.open(address)
        self.poll = loop.Poll(client.stream, client.events(), self._ready)

    def _ready(self, events):
        self.client.ready(events)
        events = self.client.events()
        if events != self.poll.events:
            self.poll.modify(events)

    def update(self):
        """After publishing on its own account."""
        self.poll.modify(self.client.events())


def print_median_ratio(raw, ours):
    """raw() and ours() give durations, in turn, each with a collected heap."""
    ratios = []
    for _ in range(_RUNS):
        gc.collect()
        limit = raw()
        gc.collect()
        ratios.append(limit / ours())
    print(sorted(ratios)[_RUNS // 2])
