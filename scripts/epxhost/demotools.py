"""What the commands in another terminal have to know of the demo: its broker, its key."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from epxhost.door import ROOT
from epxhost.errors import ToolError
from epxhost.localbroker import LocalBroker

_FILE = "build/demo.env"
# For a shell, in the root of the repository.
ENTER = f". {_FILE}"


@contextmanager
def for_the_tools(broker: LocalBroker, otakey: str) -> Iterator[None]:
    """Inside this context `. build/demo.env` makes the tools of that shell find the demo."""
    path = ROOT / _FILE
    text = (
        "# The demo that runs now: its broker, and the key of its updates.\n"
        f"export EPX_MQTT_SERVER={broker.host}:{broker.port}\n"
        f"export EPX_OTAKEY={otakey}\n"
    )
    try:
        path.parent.mkdir(exist_ok=True)
        # Replaced in one step: several demos may start at the same time.
        fresh = path.with_suffix(f".{os.getpid()}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        fresh.replace(path)
    except OSError as error:
        raise ToolError(f"{_FILE}: {error.strerror}") from None
    try:
        yield
    finally:
        # Another demo may have written its own meanwhile.
        with suppress(OSError):
            if path.read_text(encoding="utf-8") == text:
                path.unlink()
