"""What appliances show on a display: lines of text, and a picture of their own beside them."""

from micropython import const

from epx.loop import Task, uptime_s
from epx.revive import Part

_TOLERANCE_MS = const(50)
_FAILED = const(1)

_TEXT_X = const(20)
_COLUMNS = const(13)
_LINE_HEIGHT = const(12)

# Bits of SSD1306.dirty: page 0 has bit 1.
_PAGE_0 = const(2)
_ALL_PAGES = const(0x1FE)
_FROM_START = const(-1)


def status_lines(net, mqtt):
    """The three lines that most displays begin with: address, broker, d:hh:mm:ss since boot."""
    now_s = uptime_s()
    minutes = now_s // 60
    return (
        (net.address() or "no net")[-_COLUMNS:],
        "MQTT up" if mqtt.connected() else "MQTT down",
        "%d:%02d:%02d:%02d" % (minutes // 1440, minutes // 60 % 24, minutes % 60, now_s % 60),
    )


class Screen(Part):
    """Redraws periodically what changed, and sends one page of it per turn of the loop.

    When the display does not answer, all this stops and is tried again every ten minutes. One
    that works is set up anew as often, so that it comes back after a loss of its supply.

    A profile derives from it and gives
    text()     up to five lines of 13 characters, as many each time
    picture()  a value that differs when what is drawn besides the text does; None: nothing is
    draw_picture(frame, top)  draws the rows top .. top + 7 of what picture() said last, which
               is in shown, into the rows 0 .. 7 of frame
    """

    period_ms = 1000  # of looking for what changed
    shown = None
    lines = ("",) * 5

    def __init__(self, name, chip):
        """name for the log; chip: an SSD1306."""
        Part.__init__(self, name)
        self.chip = chip
        Task(self._refresh, 0, self.period_ms, tolerance_ms=_TOLERANCE_MS)
        self._sender = Task(self._send)
        self._sender.cancel()

    def picture(self):
        return None

    def _refresh(self):
        chip = self.chip
        if not self.rests(self.period_ms):
            self._rest_ms = self.retry_ms
            chip.dirty = _FROM_START
        elif self.malfunctions:
            return
        lines = self.text()
        for i in range(len(lines)):
            if lines[i] != self.lines[i]:
                y = _LINE_HEIGHT * i
                chip.dirty |= _PAGE_0 << (y >> 3) | _PAGE_0 << (y + 7 >> 3)
        self.lines = lines
        picture = self.picture()
        if picture != self.shown:
            self.shown = picture
            chip.dirty |= _ALL_PAGES
        if chip.dirty:
            self._send()

    def draw(self, frame, top):
        """What SSD1306.send() asks for."""
        lines = self.lines
        for i in range(len(lines)):
            y = _LINE_HEIGHT * i - top
            if -8 < y < 8:
                frame.text(lines[i][:_COLUMNS], _TEXT_X, y)
        if self.shown is not None:
            self.draw_picture(frame, top)

    def _send(self):
        """The first transfer that is due; the next one in the next turn."""
        try:
            self.chip.send(self.draw)
        except OSError as error:
            self._sender.cancel()
            self.failed(_FAILED, error)
            return
        if self.chip.dirty:
            self._sender.restart(1)  # 0 could still be this turn
        elif self.malfunctions:
            self.works()
