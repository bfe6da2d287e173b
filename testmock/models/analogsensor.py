"""Something that answers with a voltage: a soil probe, a potentiometer, a light sensor."""


class AnalogSensor:
    """volts: what it gives at present."""

    def __init__(self, volts=0):
        self.volts = volts
