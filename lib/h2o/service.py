"""What a water tank publishes: topic, value of h2o.sensor.Tank, decimals, when."""

from epx.clock import MINUTES, SECONDS
from epx.topics import Pub

TOPICS = (
    # What volumes are counted in: the key unit.
    Pub("VolUnit", "unit", every_ms=1000 * MINUTES, refresh_ms=30 * MINUTES),
    # The level of the highest wet switch, or 100 when the switches cannot be read.
    Pub("CoarseLevelPct", "level_pct", 0, every_ms=1 * SECONDS, refresh_ms=10 * MINUTES),
    # The same as a volume.
    Pub("CoarseLevelVol", "level_volume", 0, every_ms=1 * SECONDS, refresh_ms=10 * MINUTES),
    # That plus what has been pumped since the level changed.
    Pub(
        "EstimatedLevelVol", "estimated_volume", 0, every_ms=10 * SECONDS, refresh_ms=10 * MINUTES
    ),
    # Both as a text: 60% + 6L
    Pub("EstimatedLevelStr", "estimated_text", every_ms=10 * SECONDS, refresh_ms=10 * MINUTES),
    # Units per minute; said at every check while it flows.
    Pub("Flow", "flow", 1, every_ms=10 * SECONDS, refresh_ms=30 * MINUTES, idle=0),
    # Volume since the level changed.
    Pub("PumpedAfterLevelChange", "pumped", 1, every_ms=10 * SECONDS, refresh_ms=30 * MINUTES),
    # Volume since the last publication, so that the sum of all is what has been pumped.
    Pub(
        "Pumped",
        "pumped_since_sent",
        1,
        every_ms=60 * SECONDS,
        refresh_ms=30 * MINUTES,
        idle=0,
        sent="pumped_sent",
    ),
    # 1: a switch is dry below a wet one, 2: no expander, 4: the expander failed.
    Pub("Malfunctions", "malfunctions", 0, every_ms=10 * SECONDS, refresh_ms=30 * MINUTES),
    # One digit per switch, lowest first, 1 is wet: 1,1,0
    Pub("LevelSensorMap", "wet_text", every_ms=1 * SECONDS, refresh_ms=30 * MINUTES),
)
