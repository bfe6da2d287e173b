"""How the world around an appliance looks in a line of the demo's view."""

from rich.text import Text

DIM = "grey58"
_BLUE = "dodger_blue2"


def bar(pct: float, width: int) -> Text:
    full = round(pct / 100 * width)
    text = Text("█" * full, _BLUE)
    text.append("░" * (width - full), "grey30")
    return text.append(f" {pct:3.0f} %", "default")


def on_off(what: str, on: bool) -> Text:
    return Text(f"{what} on" if on else f"{what} off", "bold green" if on else DIM)


def lamps(lit: list[bool], forced: list[bool] | None = None, first: int = 1) -> Text:
    """A dot for each, with its number; those that somebody forces are red."""
    text = Text()
    for i, on in enumerate(lit):
        text.append(f"{first + i}", DIM)
        text.append("● " if on else "○ ", "bold red" if forced and forced[i] else _BLUE)
    return text


def plugged(what: str, there: bool) -> Text:
    return Text(what, "default") if there else Text(f"{what} unplugged", "bold red")
