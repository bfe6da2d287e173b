"""A flow meter: a train of pulses at a settable rate, with every pulse accounted for."""


class FlowMeter:
    """rate_hz pulses per second from now on; pulses(n) adds n at once.

    now_us is a function that tells the time in microseconds: the bench's clock.
    """

    def __init__(self, now_us, rate_hz=0):
        self._now_us = now_us
        self._count = 0
        self._rate_mhz = 0
        self._since_us = 0
        self.rate_hz = rate_hz

    @property
    def rate_hz(self):
        return self._rate_mhz / 1000

    @rate_hz.setter
    def rate_hz(self, rate_hz):
        now_us = self._now_us()
        self._count = self.count_at(now_us)
        self._since_us = now_us
        self._rate_mhz = int(float(rate_hz) * 1000 + 0.5)

    def pulses(self, n):
        self._count += int(n)

    def count_at(self, now_us):
        """Pulses since power-up: what a hardware counter on the pin would show."""
        return self._count + (now_us - self._since_us) * self._rate_mhz // 1000000000

    def next_edge_us(self, now_us):
        """When the next rising edge comes; None while nothing flows."""
        if not self._rate_mhz:
            return None
        done = (now_us - self._since_us) * self._rate_mhz // 1000000000
        return self._since_us - -(done + 1) * 1000000000 // self._rate_mhz
