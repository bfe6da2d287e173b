"""Keys of config.txt that a water tank has."""

from epx.config import Key, number, numbers

KEYS = (
    # What volumes are counted in, as shown: L, m3, gal.
    Key("unit"),
    # Volume of the full tank.
    Key("capacity", number(0.001, 1000000), unit="units"),
    # Heights of the level switches, lowest first, input 0 of the expander being the lowest.
    Key("levelsensors", numbers(0, 100, 16), unit="%"),
    # Pulses per second of the flow meter at a flow of one unit per minute.
    Key("flowpulserate", number(0.001, 10000), unit="pulses/s at 1 unit/min"),
    # What the pump can do at most: more pulses than that are noise.
    Key("maxflow", number(0.001, 100000), unit="units/min"),
)
