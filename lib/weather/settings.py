"""Keys of config.txt that a weather sensor has: what its readings are off by."""

from epx.config import Key, number

KEYS = (
    # Added to the temperature that is read, such as -0.4 if the board warms the sensor.
    Key("temperatureoffset", number(-20, 20), 0, unit="C"),
    # Added to the relative humidity that is read.
    Key("humidityoffset", number(-50, 50), 0, unit="%"),
    # Added to the pressure that is read.
    Key("pressureoffset", number(-100, 100), 0, unit="hPa"),
)
