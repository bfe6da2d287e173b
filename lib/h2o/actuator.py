"""The water tank's display: a bar for the level, five lines of text."""

from micropython import const

from epx.loop import uptime_s
from epx.screen import Screen, status_lines
from epx.textfmt import decimal

_HEIGHT = const(64)
_BAR_WIDTH = const(12)
_NARROW_BAR_WIDTH = const(5)  # leaves room for the marks of the switches
_MARK_X = const(7)
_MARK_WIDTH = const(5)


class Display(Screen):
    """The bar blinks while water flows; it is narrow, with the switches beside it, when something
    is wrong."""

    def __init__(self, chip, tank, net, mqtt):
        self._tank = tank
        self._net = net
        self._mqtt = mqtt
        Screen.__init__(self, "h2o: display", chip)

    def text(self):
        tank = self._tank
        if tank.is_noisy:
            flow = "Flow meter MF"
        elif tank.flow:
            flow = "%s %s/min" % (decimal(tank.flow, 1), tank.unit)
        else:
            flow = "No flow"
        if tank.malfunctions:
            level = "Error %d" % tank.malfunctions
        else:
            level = tank.estimated_text() or "Level ?"
        return status_lines(self._net, self._mqtt) + (level, flow)

    def picture(self):
        """Height of the bar, malfunctions, wet switches."""
        tank = self._tank
        pct = 0 if tank.flow and uptime_s() & 1 else tank.level_pct or 0
        return int(_HEIGHT * pct / 100), tank.malfunctions, tank.wet

    def draw_picture(self, frame, top):
        height, malfunctions, wet = self.shown
        width = _NARROW_BAR_WIDTH if malfunctions else _BAR_WIDTH
        frame.rect(0, -top, width, _HEIGHT, 1)
        frame.fill_rect(0, _HEIGHT - height - top, width, height, 1)
        if malfunctions and wet >= 0:
            # A block beside the bar for each wet switch, a dash for each dry one.
            for pct in self._tank.heights:
                y = min(int((_HEIGHT - 1) * (100 - pct) / 100), _HEIGHT - 3)
                frame.fill_rect(_MARK_X, y - top, _MARK_WIDTH, 3 if wet & 1 else 1, 1)
                wet >>= 1
