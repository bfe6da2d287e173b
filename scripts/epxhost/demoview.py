"""The demo as a live picture of the terminal: from 80 x 24 on, more comfortable at 100 x 30."""

import io
from pathlib import Path
from types import TracebackType

from rich.align import Align
from rich.console import Console, Group, RenderableType
from rich.layout import Layout
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from epxhost.demorows import DIM as _DIM
from epxhost.demostate import DemoState
from epxhost.demostory import Story
from epxhost.demotools import ENTER

_WIDE = (100, 30)
_SMALLEST = (80, 24)
_FRESH_S = 2.0
_USUAL_NAME = 23
_BRAILLE = 0x2800
# Bits of a Braille character by row (top first) and column.
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_PIXELS = "bright_cyan on grey3"
_LEVEL_COLOURS = {"error": "bold red", "warn": "yellow", "debug": "grey50"}
_KEYS = (("space", "story"), ("q", "quit"))


def write_svg(path: Path, state: DemoState, story: Story) -> None:
    """The screen as it is now, as a picture for a document."""
    width, height = _WIDE
    console = Console(record=True, width=width, height=height, file=io.StringIO())
    console.print(screen(state, story, width, height))
    console.save_svg(str(path), title=f"make demo PROFILE={state.profile}")


class LiveView:
    """Takes the whole screen while it is entered, and gives it back as it was."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console()
        self._live = Live(console=self._console, screen=True, auto_refresh=False)

    def __enter__(self) -> "LiveView":
        self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def show(self, state: DemoState, story: Story) -> None:
        state.take_happenings()
        size = self._console.size
        self._live.update(screen(state, story, size.width, size.height), refresh=True)


def screen(state: DemoState, story: Story, width: int, height: int) -> RenderableType:
    """All of it, for a terminal of this size."""
    if width < _SMALLEST[0] or height < _SMALLEST[1]:
        wanted = f"{_SMALLEST[0]} x {_SMALLEST[1]}"
        return Text(f"The demo needs {wanted} characters, this is {width} x {height}. q: quit")
    if width >= _WIDE[0] and height >= _WIDE[1]:
        return _wide(state, story, width, height)
    return _small(state, story, height)


def _wide(state: DemoState, story: Story, width: int, height: int) -> Layout:
    upper, lower = Layout(size=18), Layout()
    title = f"stat/{state.topic_name}/"
    if story.has_display:
        left, left_width = _panel("display", _display(state)), 66
    else:
        # What the display would take is for topics.
        left, left_width = _panel("world", _world(state, story)), 34
    topics = _topics(state, width - left_width - 2, 16)
    upper.split_row(Layout(left, size=left_width), Layout(_panel(title, topics)))
    log = Layout(_panel("log", _log(state, height - 23)))
    if story.has_display:
        lower.split_row(Layout(_panel("world", _world(state, story)), size=34), log)
    else:
        lower = log
    whole = Layout()
    whole.split_column(
        Layout(_header(state, _hint(state)), size=1),
        upper,
        Layout(_story(state, story), size=1),
        lower,
        Layout(_keys(story), size=1),
    )
    return whole


def _small(state: DemoState, story: Story, height: int) -> Layout:
    upper = Layout(size=16)
    beside = Layout(_narrow_world(state, story))
    rows = [Layout(_header(state, f"broker {state.broker.host}:{state.broker.port}"), size=1)]
    if story.has_display:
        upper.split_row(Layout(_display(state), size=65), beside)
        rows += [upper, Layout(_story(state, story), size=1)]
        rows += [Layout(_topic_grid(state), size=4)]
        log_lines = height - 23
    else:
        upper.split_row(Layout(_topics(state, 64, 16), size=65), beside)
        rows += [upper, Layout(_story(state, story), size=1)]
        log_lines = height - 19
    whole = Layout()
    whole.split_column(
        *rows,
        Layout(_log(state, log_lines), minimum_size=1),
        Layout(_keys(story), size=1),
    )
    return whole


def _panel(title: str, content: RenderableType) -> Panel:
    return Panel(content, title=title, border_style=_DIM, padding=0)


def _header(state: DemoState, hint: str) -> Text:
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f" {state.profile} ", "bold black on bright_cyan")
    text.append(f" on {state.where}   ", "bold")
    return text.append(hint, _DIM)


def _hint(state: DemoState) -> str:
    """What somebody may type in another terminal."""
    return f"update it: {ENTER}; scripts/ota {state.topic_name} {state.profile}"


def _story(state: DemoState, story: Story) -> Text:
    text = Text(no_wrap=True, overflow="ellipsis")
    done = int(story.progress * 12)
    text.append(" " + "━" * done, "bright_cyan")
    text.append("━" * (12 - done) + " ", "grey30")
    if story.paused:
        text.append("The story rests, it is your turn", "bold yellow")
        slow = state.wifi != "connected"
        text.append(": Wi-Fi is tried again after 30 to 45 s" if slow else " (space: go on)", _DIM)
    elif story.step:
        text.append(story.step.title, "bold")
        text.append(f": {story.step.why}", _DIM)
    return text


def _keys(story: Story) -> Text:
    text = Text(" ", no_wrap=True, overflow="ellipsis")
    shown = [(row.shown, row.what) for row in story.keys]
    for key, what in (*shown, *_KEYS):
        text.append(key, "bold bright_cyan")
        text.append(f" {what}  ", _DIM)
    return text


def braille(picture: bytes, width: int = 128) -> list[str]:
    """A display's RAM as lines of Braille characters, two by four pixels each."""
    lines = []
    for y in range(0, len(picture) * 8 // width, 4):
        page, shift = y // 8 * width, y % 8
        line = []
        for x in range(0, width, 2):
            dots = 0
            for column in (0, 1):
                pixels = picture[page + x + column] >> shift
                for row in range(4):
                    if pixels >> row & 1:
                        dots |= _DOTS[row][column]
            line.append(chr(_BRAILLE + dots))
        lines.append("".join(line))
    return lines


def _display(state: DemoState) -> RenderableType:
    return Align.center(Text("\n".join(braille(state.picture)), _PIXELS, no_wrap=True))


def _age(seconds: float) -> str:
    return f"{seconds:.0f}s" if seconds < 100 else f"{seconds / 60:.0f}m"


def _shown(state: DemoState) -> list[tuple[str, str, str, str]]:
    """(topic, value, age, style of the value), without what the log says, too."""
    now_s = state.now_s()
    rows = []
    for topic in sorted(state.topics):
        if topic not in ("Log", "OTA"):
            value = state.topics[topic]
            fresh = now_s - value.changed_s < _FRESH_S
            style = "bold bright_yellow" if fresh else ""
            rows.append((topic, value.text, _age(now_s - value.at_s), style))
    return rows


def _topics(state: DemoState, width: int, rows: int) -> Table:
    """In two columns if there are more than rows."""
    shown = _shown(state)
    if len(shown) <= rows:
        return _topic_rows(shown, width)
    half = (len(shown) + 1) // 2
    both = Table.grid(padding=(0, 2, 0, 0))
    width = (width - 2) // 2
    both.add_row(_topic_rows(shown[:half], width), _topic_rows(shown[half:], width))
    return both


def _topic_rows(shown: list[tuple[str, str, str, str]], width: int) -> Table:
    table = Table.grid(padding=(0, 1))
    longest = max([_USUAL_NAME, *(len(topic) for topic, *_ in shown)])
    name_width = min(max(width - 16, 17), longest)
    table.add_column(no_wrap=True, overflow="ellipsis", style=_DIM, width=name_width)
    table.add_column(
        no_wrap=True, overflow="ellipsis", justify="right", width=width - name_width - 6
    )
    table.add_column(no_wrap=True, justify="right", style="grey42", width=3)
    for topic, text, age, style in shown:
        table.add_row(topic, Text(text, style), age)
    return table


def _topic_grid(state: DemoState) -> Table:
    table = Table.grid(padding=(0, 2))
    for _ in range(3):
        table.add_column(no_wrap=True, overflow="ellipsis", width=25)
    cells = []
    for topic, text, age, style in _shown(state):
        cell = Text(no_wrap=True, overflow="ellipsis")
        # Both ends: many topics begin alike.
        short = f"{topic[:7]}…{topic[-3:]}" if len(topic) > 11 else topic
        cell.append(f"{short} ", _DIM)
        cell.append(text[:9], style)
        cell.append(f" {age}", "grey42")
        cells.append(cell)
    for i in range(0, len(cells), 3):
        table.add_row(*cells[i : i + 3])
    return table


def _connection(text: str) -> Text:
    colour = "green" if text == "connected" else "yellow" if text == "connecting" else "red"
    return Text(f"● {text}", colour)


def _number(pin: tuple[str, int]) -> int:
    return int(pin[0])


def _pins(state: DemoState, in_a_row: int) -> str:
    pins = [f"{pin}:{level}" for pin, level in sorted(state.pins.items(), key=_number)]
    rows = [pins[i : i + in_a_row] for i in range(0, len(pins), in_a_row)]
    return "\n".join("  ".join(row) for row in rows) or "-"


def _world(state: DemoState, story: Story) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(style=_DIM, width=8)
    table.add_column(no_wrap=True)
    table.add_row("Wi-Fi", _connection(state.wifi))
    table.add_row("MQTT", _connection(state.mqtt()))
    table.add_row("broker", f"{state.broker.host}:{state.broker.port}")
    for what, how in story.rows(narrow=False):
        table.add_row(what, how)
    table.add_row("outputs", _pins(state, 3))
    return table


def _narrow_world(state: DemoState, story: Story) -> RenderableType:
    rows: list[RenderableType] = [
        Text("Wi-Fi", _DIM), _connection(state.wifi),
        Text("MQTT", _DIM), _connection(state.mqtt()),
    ]  # fmt: skip
    for what, how in story.rows(narrow=True):
        rows += [Text(what, _DIM), how] if what else [how]
    return Group(*rows, Text("outputs", _DIM), Text(_pins(state, 2)))


def _log(state: DemoState, lines: int) -> RenderableType:
    text = Text(no_wrap=True, overflow="ellipsis")
    for i, (at_s, line) in enumerate(list(state.log)[-lines:]):
        level, _, _ = line.partition(" ")
        text.append("\n" if i else "")
        text.append(f"{at_s:6.1f} ", "grey42")
        text.append(line, _LEVEL_COLOURS.get(level, ""))
    return text
