"""`make demo`: an appliance lives on this PC, with everything but its hardware real."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import click

from epxhost import demostory, secretsfile, toolchain
from epxhost.appliance_process import ApplianceProcess
from epxhost.demokeys import Keyboard
from epxhost.demoplain import PlainView, summary
from epxhost.demostate import NAME, DemoState, Listener
from epxhost.demostory import STEPS, Story
from epxhost.demotools import for_the_tools
from epxhost.demoview import LiveView, write_svg
from epxhost.errors import ToolError
from epxhost.localbroker import LocalBroker

# More than a board has: the program is source here, so that somebody can change and update it.
_HEAP = "256k"
_TURN_S = 0.1
_PROFILES = ("h2o",)


def interpreter(wanted: str) -> tuple[list[str] | None, str]:
    """argv prefix (None: this Python) and what to call it."""
    found = toolchain.micropython32() if wanted != "cpython" else None
    if found:
        program = "import sys; print('.'.join([str(i) for i in sys.implementation[1][:2]]))"
        done = subprocess.run([*found, "-c", program], capture_output=True, text=True, check=True)
        version = done.stdout.strip()
        return [*found, "-X", f"heapsize={_HEAP}"], f"MicroPython {version}, 32 bit"
    if wanted == "micropython":
        raise ToolError(toolchain.why_not("micropython32"))
    return None, f"CPython {sys.version_info.major}.{sys.version_info.minor}"


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _actions(story: Story) -> dict[str, Callable[[], None]]:
    """What the keys do, except q and the space bar."""
    actions: dict[str, Callable[[], None]] = {
        "f": lambda: story.set_pump(not story.pump_on),
        "t": lambda: setattr(story, "tap_open", not story.tap_open),
        "b": story.toggle_broker,
        "w": story.toggle_wifi,
        "r": story.refresh,
    }
    for i in range(len(story.switches)):
        actions[str(i + 1)] = lambda i=i: story.toggle_switch(i)
    return actions


def _obey(keys: str, story: Story) -> bool:
    """True if the demo shall end. Whoever acts himself does not want the story to interfere."""
    actions = _actions(story)
    for key in keys:
        if key == "q":
            return True
        if key == " ":
            story.paused = not story.paused
        elif key in actions:
            story.paused = story.paused or key != "r"
            actions[key]()
    return False


def _play(
    state: DemoState,
    process: ApplianceProcess,
    story: Story,
    listener: Listener,
    view: PlainView | LiveView,
    seconds: float | None,
) -> None:
    with Keyboard() as keyboard, view:
        while seconds is None or state.now_s() < seconds:
            listener.pump(state, process, _TURN_S)
            story.tick()
            view.show(state, story)
            if state.ended is not None or _obey(keyboard.pressed(), story):
                return


@click.command()
@click.option("--seconds", type=click.FloatRange(min=10), help="end by itself after this time")
@click.option("--plain", is_flag=True, help="lines of text; so it is without a terminal, too")
@click.option("--profile", default=lambda: os.environ.get("PROFILE") or "h2o", show_default="h2o")
@click.option(
    "--interpreter",
    "wanted",
    type=click.Choice(["auto", "micropython", "cpython"]),
    default="auto",
    show_default=True,
    help="auto: real MicroPython if it is there",
)
@click.option("--svg", type=click.Path(path_type=Path), help="write the last screen there, too")
def demo(seconds: float | None, plain: bool, profile: str, wanted: str, svg: Path | None) -> int:
    """Watch an appliance live: its display, topics, pins, connections and log.

    A broker of its own and the unmodified program of the appliance run in real time on this PC;
    a story happens around them. It is installed like on a board, so that it can be updated from
    another terminal. Status 1 if the appliance did not publish.
    """
    if profile not in _PROFILES:
        raise ToolError(f"no story for '{profile}' yet (there is: {', '.join(_PROFILES)})")
    plain = plain or not sys.stdout.isatty()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    command, where = interpreter(wanted)
    with LocalBroker() as broker:
        state = DemoState(profile, where, broker)
        listener = Listener(broker)
        try:
            otakey = secretsfile.new_otakey()
            config = demostory.config_text(broker.port, NAME, otakey)
            with (
                for_the_tools(broker, otakey),
                ApplianceProcess(profile, config, command, installed=True) as process,
            ):
                # The whole story in the time that is left: starting may have taken some of it.
                left_s = seconds - state.now_s() if seconds else demostory.LOOP_S
                story = Story(state, process, listener, left_s)
                try:
                    _play(
                        state,
                        process,
                        story,
                        listener,
                        PlainView() if plain else LiveView(),
                        seconds,
                    )
                except KeyboardInterrupt:
                    click.echo("stopped", err=True)
                if svg:
                    write_svg(svg, state, story)
        finally:
            listener.close()
    click.echo(summary(state, len(story.seen), len(STEPS)))
    good = state.first_publication_s is not None and state.ended is None
    # The broker is not taken away from an update.
    return 0 if good and (seconds is None or state.recoveries_s or state.updates) else 1
