"""esp32.RMTRX over a bench.signal: the receiver that MicroPython's own firmware lacks.

A mock of pull request 18454, by its description: it times pulses in hardware, and a level that
lasts longer than max_ns ends a train. The newest four trains wait. The glitch filter is left out.
"""

import _sim
from micropython import const

_bench = _sim.bench

_MOST_TRAINS = const(4)


class RMTRX:
    def __init__(
        self, *, pin, num_symbols=64, min_ns=3100, max_ns=5_000_000, resolution_hz=1000000
    ):
        self._signal = _bench.pin(pin._state.number).signal
        self._most = 2 * num_symbols
        self._idle_us = max_ns // 1000
        self._at_us = None
        self._since_us = 0
        self._train = []
        self._trains = []

    def active(self, value=None):
        """Listen from now on."""
        if value is None:
            return self._at_us is not None
        self._at_us = self._since_us = _bench.clock.now_us() if value else None

    def get_data(self):
        """The oldest train: a high in positive microseconds, a low in negative ones; or None."""
        self._listen()
        return self._trains.pop(0) if self._trains else None

    def _listen(self):
        now_us = _bench.clock.now_us()
        signal = self._signal
        while self._at_us is not None:
            edge_us = signal.next_edge_us(self._at_us)
            ends = edge_us is not None and edge_us <= now_us
            us = (edge_us if ends else now_us) - self._since_us
            if us > self._idle_us:
                self._end()
            if not ends:
                return
            level = signal.level_at(edge_us - 1)
            self._at_us = edge_us
            self._since_us = edge_us
            if us <= self._idle_us and (self._train or level):
                self._train.append(us if level else -us)
                if len(self._train) == self._most:
                    self._end()

    def _end(self):
        if self._train:
            self._trains.append(self._train)
            self._train = []
            del self._trains[:-_MOST_TRAINS]
