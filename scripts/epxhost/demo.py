"""`make demo`: an appliance lives on this PC, with everything but its hardware real."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import click

from epxhost import demostory, secretsfile, toolchain
from epxhost.appliance_process import ApplianceProcess
from epxhost.demokeys import Keyboard
from epxhost.demoplain import PlainView, summary
from epxhost.demostate import DemoState, Listener
from epxhost.demostory import Story
from epxhost.demotools import for_the_tools
from epxhost.demoview import LiveView, write_svg
from epxhost.errors import ToolError
from epxhost.ether_hub import EtherHub
from epxhost.localbroker import LocalBroker, free_port

# More than a board has: the program is source here, so that somebody can change and update it.
_HEAP = "256k"
_TURN_S = 0.1
# Two that talk by radio: half a minute passes before a central can pair.
_FAST = 4
_SLEEP_S = 2.0
_MACS = "240ac4000101", "240ac4000201"


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


def _obey(keys: str, story: Story) -> bool:
    """True if the demo shall end. Whoever acts himself does not want the story to interfere."""
    actions = story.actions()
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
    until_s: float | None,
) -> None:
    with Keyboard() as keyboard, view:
        while until_s is None or state.now_s() < until_s:
            listener.pump(state, process, _TURN_S)
            story.tick()
            view.show(state, story)
            if state.ended is not None or _obey(keyboard.pressed(), story):
                return


def _of_time(command: list[str] | None) -> str:
    fast = f", and both clocks go {_FAST} times as fast" if command else ""
    return f"Nobody sleeps for longer than {_SLEEP_S:.0f} s here{fast}"


@contextlib.contextmanager
def _devices(
    told: type[Story], profile: str, config: str, command: list[str] | None
) -> Iterator[list[ApplianceProcess]]:
    """The appliance, and the one that it talks to by radio, if it does."""
    if not told.other_profile:
        with ApplianceProcess(profile, config, command, installed=True) as process:
            yield [process]
        return
    with EtherHub() as hub, contextlib.ExitStack() as stack:
        processes = []
        texts = {profile: config, told.other_profile: told.other_config}
        for (name, text), mac in zip(texts.items(), _MACS, strict=True):
            process = ApplianceProcess(
                name,
                text,
                command,
                installed=True,
                port=free_port() if command else None,
                speed=_FAST,
                ether=hub.port,
                mac=mac,
                longest_sleep_s=_SLEEP_S,
            )
            processes.append(stack.enter_context(process))
        yield processes


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
    told = demostory.story_of(profile)
    profile = told.profile or profile
    plain = plain or not sys.stdout.isatty()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    command, where = interpreter(wanted)
    with LocalBroker() as broker:
        state = DemoState(profile, where, broker, told.name)
        state.events = told.events
        listener = Listener(broker, told.name)
        try:
            otakey = secretsfile.new_otakey()
            config = demostory.config_text(told, broker.port, otakey)
            with (
                for_the_tools(broker, otakey),
                _devices(told, profile, config, command) as processes,
            ):
                process = processes[0]
                # The whole story from now on, however long it took to come so far.
                until_s = state.now_s() + seconds if seconds else None
                story = told(state, process, listener, seconds or demostory.LOOP_S)
                if told.other_profile:
                    story.other = processes[1]
                    state.tell("story", _of_time(command))
                    story.pace = f"{_FAST} x" if command else "as always"
                try:
                    _play(
                        state,
                        process,
                        story,
                        listener,
                        PlainView() if plain else LiveView(),
                        until_s,
                    )
                except KeyboardInterrupt:
                    click.echo("stopped", err=True)
                if svg:
                    write_svg(svg, state, story)
        finally:
            listener.close()
    click.echo(summary(state, len(story.seen), len(story.steps)))
    good = state.first_publication_s is not None and state.ended is None
    # The broker is not taken away from an update.
    return 0 if good and (seconds is None or state.recoveries_s or state.updates) else 1
