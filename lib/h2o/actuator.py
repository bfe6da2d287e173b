"""The water tank's display: a bar for the level, five lines of text."""

from micropython import const

from epx import log
from epx.clock import MINUTES, SECONDS
from epx.loop import Task, uptime_s
from epx.textfmt import decimal

_REFRESH_MS = 1 * SECONDS
_RESTART_MS = 10 * MINUTES
_TOLERANCE_MS = const(50)

_BAR_WIDTH = const(12)
_NARROW_BAR_WIDTH = const(5)  # leaves room for the marks of the switches
_MARK_X = const(7)
_MARK_WIDTH = const(5)
_HEIGHT = const(64)

_TEXT_X = const(20)
_COLUMNS = const(13)
_ROW_Y = (0, 12, 24, 36, 48)
_ADDRESS, _BROKER, _UPTIME, _LEVEL, _FLOW = range(5)
_DIGITS = tuple("0123456789")


class Display:
    """Redraws once a second what changed, and sends one page of it per turn of the loop.

    When the display does not answer, all this stops and is tried again every ten minutes. One
    that works is set up anew as often, so that it comes back after a loss of its supply.
    """

    def __init__(self, screen, tank, percentages, net, mqtt):
        self._screen = screen
        self._frame = screen.frame
        self._tank = tank
        self._percentages = percentages
        self._net = net
        self._mqtt = mqtt
        self._rows = [""] * len(_ROW_Y)
        self._bar = -1
        self._shown_s = -1
        self._flow = None
        self._flow_text = ""
        self._is_dark = True
        self._has_failed = False
        # In this order they run at first: set up, draw.
        Task(self._start, 0, _RESTART_MS)
        self._refresher = Task(self._refresh, 0, _REFRESH_MS, tolerance_ms=_TOLERANCE_MS)
        self._sender = Task(self._send)
        self._sender.cancel()

    def _start(self):
        try:
            self._screen.start()
        except OSError as error:
            self._fail(error)
            return
        self._is_dark = True
        if not self._refresher.active():
            self._refresher.restart(0)

    def _fail(self, error):
        if not self._has_failed:
            self._has_failed = True
            log.warn("h2o: display: %s, tried again every 10 min", error)
        self._refresher.cancel()
        self._sender.cancel()

    def _refresh(self):
        now_s = uptime_s()
        self._draw_network()
        self._draw_uptime(now_s)
        self._draw_tank(now_s)
        self._send()

    def _send(self):
        """Send one page; the next one in the next turn. All sent: light."""
        screen = self._screen
        try:
            page = screen.next_dirty()
            if page >= 0:
                screen.show_page(page)
                page = screen.next_dirty()
            if page >= 0:
                self._sender.restart(1)  # 0 could still be this turn
            elif self._is_dark:
                screen.on()
                self._is_dark = False
                if self._has_failed:
                    self._has_failed = False
                    log.info("h2o: display works again")
        except OSError as error:
            self._fail(error)

    def _write(self, row, text):
        if text != self._rows[row]:
            self._rows[row] = text
            y = _ROW_Y[row]
            self._frame.fill_rect(_TEXT_X, y, 8 * _COLUMNS, 8, 0)
            self._frame.text(text[:_COLUMNS], _TEXT_X, y)

    def _draw_network(self):
        address = self._net.address()
        self._write(_ADDRESS, address[-_COLUMNS:] if address else "no net")
        self._write(_BROKER, "MQTT up" if self._mqtt.connected() else "MQTT down")

    def _draw_uptime(self, now_s):
        """d:hh:mm:ss; within a minute only its last two digits are drawn, without a string."""
        seconds = now_s % 60
        if now_s - seconds != self._shown_s:
            self._shown_s = now_s - seconds
            minutes = now_s // 60
            self._write(
                _UPTIME,
                "%d:%02d:%02d:  " % (minutes // 1440, minutes // 60 % 24, minutes % 60),
            )
        x = _TEXT_X + 8 * (len(self._rows[_UPTIME]) - 2)
        y = _ROW_Y[_UPTIME]
        frame = self._frame
        frame.fill_rect(x, y, 16, 8, 0)
        frame.text(_DIGITS[seconds // 10], x, y)
        frame.text(_DIGITS[seconds % 10], x + 8, y)

    def _draw_tank(self, now_s):
        tank = self._tank
        malfunctions = tank.malfunctions()
        if malfunctions:
            self._write(_LEVEL, "Error %d" % malfunctions)
        else:
            self._write(_LEVEL, tank.estimated_text() or "Level ?")
        flow = tank.flow()
        if tank.is_noisy():
            self._write(_FLOW, "Flow meter MF")
        elif flow:
            self._write(_FLOW, self._rate_text(flow))
        else:
            self._write(_FLOW, "No flow")
        self._draw_bar(tank.level_pct() or 0, malfunctions, flow and now_s & 1)

    def _rate_text(self, flow):
        if flow != self._flow:
            self._flow = flow
            self._flow_text = "%s %s/min" % (decimal(flow, 1), self._tank.unit)
        return self._flow_text

    def _draw_bar(self, pct, malfunctions, is_blanked):
        """What is drawn fits in one small number: height, width, marks; equal ones stay."""
        height = 0 if is_blanked else int(_HEIGHT * pct / 100)
        wet = self._tank.wet() if malfunctions else None
        bar = height | (0x80 if malfunctions else 0) | (0 if wet is None else wet + 1) << 8
        if bar == self._bar:
            return
        self._bar = bar
        frame = self._frame
        frame.fill_rect(0, 0, _BAR_WIDTH, _HEIGHT, 0)
        width = _NARROW_BAR_WIDTH if malfunctions else _BAR_WIDTH
        frame.rect(0, 0, width, _HEIGHT, 1)
        frame.fill_rect(0, _HEIGHT - height, width, height, 1)
        if wet is not None:
            self._draw_marks(wet)

    def _draw_marks(self, wet):
        """A block beside the bar for each wet switch, a dash for each dry one."""
        for i, pct in enumerate(self._percentages):
            y = min(int((_HEIGHT - 1) * (100 - pct) / 100), _HEIGHT - 3)
            self._frame.fill_rect(_MARK_X, y, _MARK_WIDTH, 3 if wet >> i & 1 else 1, 1)
