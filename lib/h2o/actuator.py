"""The water tank's display: a bar for the level, five lines of text."""

from micropython import const

from epx import log
from epx.loop import Task, uptime_s
from epx.textfmt import decimal

_REFRESH_MS = const(1000)
_RESTART_REFRESHES = const(600)
_TOLERANCE_MS = const(50)

_HEIGHT = const(64)
_BAR_WIDTH = const(12)
_NARROW_BAR_WIDTH = const(5)  # leaves room for the marks of the switches
_MARK_X = const(7)
_MARK_WIDTH = const(5)

_TEXT_X = const(20)
_COLUMNS = const(13)
_LINES = const(5)
_LINE_HEIGHT = const(12)

# Bits of SSD1306.dirty: page 0 has bit 1.
_PAGE_0 = const(2)
_ALL_PAGES = const(0x1FE)
_FROM_START = const(-1)


class Display:
    """Redraws once a second what changed, and sends one page of it per turn of the loop.

    When the display does not answer, all this stops and is tried again every ten minutes. One
    that works is set up anew as often, so that it comes back after a loss of its supply.
    """

    _restart_in = 1  # refreshes
    _has_failed = False
    _lines = ("",) * _LINES
    _bar = None

    def __init__(self, screen, tank, net, mqtt):
        self._screen = screen
        self._tank = tank
        self._net = net
        self._mqtt = mqtt
        Task(self._refresh, 0, _REFRESH_MS, tolerance_ms=_TOLERANCE_MS)
        self._sender = Task(self._send)
        self._sender.cancel()

    def _refresh(self):
        screen = self._screen
        self._restart_in -= 1
        if not self._restart_in:
            self._restart_in = _RESTART_REFRESHES
            screen.dirty = _FROM_START
        elif self._has_failed:
            return
        lines = self._text()
        for i in range(_LINES):
            if lines[i] != self._lines[i]:
                y = _LINE_HEIGHT * i
                screen.dirty |= _PAGE_0 << (y >> 3) | _PAGE_0 << (y + 7 >> 3)
        self._lines = lines
        tank = self._tank
        # It blinks while water flows.
        pct = 0 if tank.flow and uptime_s() & 1 else tank.level_pct or 0
        bar = (int(_HEIGHT * pct / 100), tank.malfunctions, tank.wet)
        if bar != self._bar:
            self._bar = bar
            screen.dirty |= _ALL_PAGES
        if screen.dirty:
            self._send()

    def _text(self):
        tank = self._tank
        now_s = uptime_s()
        minutes = now_s // 60
        if tank.is_noisy:
            flow = "Flow meter MF"
        elif tank.flow:
            flow = "%s %s/min" % (decimal(tank.flow, 1), tank.unit)
        else:
            flow = "No flow"
        return (
            (self._net.address() or "no net")[-_COLUMNS:],
            "MQTT up" if self._mqtt.connected() else "MQTT down",
            "%d:%02d:%02d:%02d" % (minutes // 1440, minutes // 60 % 24, minutes % 60, now_s % 60),
            "Error %d" % tank.malfunctions
            if tank.malfunctions
            else tank.estimated_text() or "Level ?",
            flow,
        )

    def draw(self, frame, top):
        """What SSD1306.send() asks for."""
        for i in range(_LINES):
            y = _LINE_HEIGHT * i - top
            if -8 < y < 8:
                frame.text(self._lines[i][:_COLUMNS], _TEXT_X, y)
        height, malfunctions, wet = self._bar
        width = _NARROW_BAR_WIDTH if malfunctions else _BAR_WIDTH
        frame.rect(0, -top, width, _HEIGHT, 1)
        frame.fill_rect(0, _HEIGHT - height - top, width, height, 1)
        if malfunctions and wet >= 0:
            # A block beside the bar for each wet switch, a dash for each dry one.
            for pct in self._tank.heights:
                y = min(int((_HEIGHT - 1) * (100 - pct) / 100), _HEIGHT - 3)
                frame.fill_rect(_MARK_X, y - top, _MARK_WIDTH, 3 if wet & 1 else 1, 1)
                wet >>= 1

    def _send(self):
        """The first transfer that is due; the next one in the next turn."""
        try:
            self._screen.send(self.draw)
        except OSError as error:
            self._sender.cancel()
            self._restart_in = _RESTART_REFRESHES
            if not self._has_failed:
                self._has_failed = True
                log.warn("h2o: display: %s, next try in 10 min", error)
            return
        if self._screen.dirty:
            self._sender.restart(1)  # 0 could still be this turn
        elif self._has_failed:
            self._has_failed = False
            log.info("h2o: display works again")
