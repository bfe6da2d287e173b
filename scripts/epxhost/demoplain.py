"""The demo as lines of text, and its closing words."""

from types import TracebackType

import click

from epxhost.demostate import DemoState
from epxhost.demostory import Story
from epxhost.demotools import ENTER

_LAST_LINES = 12


class PlainView:
    """One line for each thing that happens."""

    def __init__(self) -> None:
        self._said_hello = False

    def __enter__(self) -> "PlainView":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def show(self, state: DemoState, story: Story) -> None:
        if not self._said_hello:
            self._said_hello = True
            broker = state.broker
            click.echo(f"{state.profile} on {state.where}")
            click.echo(f"broker: {broker.name} at {broker.host}:{broker.port}")
            click.echo(f"update it, from another terminal: {ENTER}")
            click.echo(f"    scripts/ota {state.topic_name} {state.profile}")
        for happening in state.take_happenings():
            click.echo(f"{happening.at_s:6.1f} s  {happening.kind:5}  {happening.text}")


def summary(state: DemoState, steps_seen: int, steps: int) -> str:
    """What was seen, in four lines, and what went wrong."""
    lines = []
    if state.ended is not None:
        lines += [line for _, line in state.log][-_LAST_LINES:]
        lines.append(f"the program of the appliance has ended with status {state.ended}")
    if state.first_publication_s is None:
        return "\n".join([*lines, f"{state.profile} did not publish anything"])
    lines += [
        f"first publication after {state.first_publication_s:.1f} s",
        f"{state.publications} publications on {len(state.topics)} topics",
        f"{steps_seen} of {steps} steps of the story seen",
    ]
    if state.recoveries_s:
        times = ", ".join(f"{seconds:.1f} s" for seconds in state.recoveries_s)
        lines.append(f"published again {times} after the broker was back")
    elif state.broker_started_s:
        lines.append("not published again after the broker was back")
    if state.resets:
        lines.append(f"{state.resets} resets")
    return "\n".join(lines)
