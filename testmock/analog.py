"""machine.ADC, which machine.py fetches when somebody asks for it: few devices measure a voltage.

Without the noise and the bend of a real converter. Ranges: documentation of the ESP32's ADC.
"""

import _sim

_bench = _sim.bench

# ADC1; those of ADC2 belong to the radio while that is on.
_PINS = (32, 33, 34, 35, 36, 37, 38, 39)
_PINS_OF_RADIO = (0, 2, 4, 12, 13, 14, 15, 25, 26, 27)
# By attenuation: the lowest and the highest voltage that it can tell, in mV.
_RANGES_MV = ((100, 950), (100, 1250), (150, 1750), (150, 2450))
_MOST = 4095


class ADC:
    """The voltage at a pin: what bench.analog() has hung on it says volts. Nothing: 0 V."""

    ATTN_0DB = 0
    ATTN_2_5DB = 1
    ATTN_6DB = 2
    ATTN_11DB = 3

    def __init__(self, id, *, sample_ns=-1, atten=0):
        self._number = id if isinstance(id, int) else id._state.number
        if self._number not in _PINS and self._number not in _PINS_OF_RADIO:
            raise ValueError("invalid pin")
        self.init(sample_ns=sample_ns, atten=atten)

    def init(self, *, sample_ns=-1, atten=-1):
        if atten >= len(_RANGES_MV):
            raise ValueError("invalid attenuation")
        if atten >= 0:
            self._range_mv = _RANGES_MV[atten]

    def _mv(self):
        if self._number in _PINS_OF_RADIO and _bench.wifi.active():
            raise OSError(-263, "ESP_ERR_TIMEOUT")
        source = _bench.voltages.get(self._number)
        least, most = self._range_mv
        return max(least, min(most, int(source.volts * 1000 + 0.5) if source else 0))

    def read_uv(self):
        """Calibrated, in whole millivolts."""
        return self._mv() * 1000

    def read_u16(self):
        least, most = self._range_mv
        raw = (self._mv() - least) * _MOST // (most - least)
        return raw << 4 | raw >> 8
