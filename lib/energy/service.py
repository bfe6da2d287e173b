"""What a mains energy meter publishes and obeys."""

from epx.clock import MINUTES, SECONDS
from epx.payloads import on_off
from epx.topics import Pub, Sub

# idle=-1, which is no value of any: sent at each look, whether it changed or not.

# Of a minute.
MINUTE = (
    # Each minute: mean voltage of its readings, in V.
    Pub("V", "v", 1, on="minute", idle=-1),
    # Each minute: lowest voltage, in V.
    Pub("Vmin", "v_min", 1, on="minute", idle=-1),
    # Each minute: highest voltage, in V.
    Pub("Vmax", "v_max", 1, on="minute", idle=-1),
    # Each minute: mean current, in A.
    Pub("A", "a", 2, on="minute", idle=-1),
    # Each minute: highest current, in A.
    Pub("Amax", "a_max", 2, on="minute", idle=-1),
    # Each minute: mean active power, in W.
    Pub("W", "w", 1, on="minute", idle=-1),
    # Each minute: mean apparent power, in VA.
    Pub("VA", "va", 1, on="minute", idle=-1),
    # Each minute: mean frequency, in Hz.
    Pub("Hz", "hz", 1, on="minute", idle=-1),
    # Each minute: mean power factor.
    Pub("PF", "pf", 2, on="minute", idle=-1),
    # Energy since the first day, in Wh; never less than before.
    Pub("Wh", "wh", 0, on="minute", refresh_ms=30 * MINUTES),
)
# Of a reading.
NOW = (
    # Each second while the ticker is on: voltage, in V.
    Pub("Vnow", "v", 1, on="reading", idle=-1),
    # Likewise: current, in A.
    Pub("Anow", "a", 2, on="reading", idle=-1),
    # Likewise: active power, in W.
    Pub("Wnow", "w", 1, on="reading", idle=-1),
    # Likewise: apparent power, in VA.
    Pub("VAnow", "va", 1, on="reading", idle=-1),
)
METER = (
    # 1 while there is more power than the key alarm says.
    Pub("Alarm", "alarm", 0, every_ms=5 * SECONDS, refresh_ms=30 * MINUTES),
    # 1: the meter cannot be started, 4: it cannot be read, values stop; 2, for an hour: its
    # counter began anew.
    Pub("Malfunction", "malfunction", 0, every_ms=5 * SECONDS, refresh_ms=30 * MINUTES),
    # on: each reading is published for a minute. off: no more.
    Sub("Ticker", "ticker", on_off),
)
