"""What a receiver of keyfobs publishes and obeys."""

from epx.clock import MINUTES
from epx.topics import Pub, Sub


def name(payload):
    try:
        words = str(payload, "utf-8")
        if 0 < len(words) <= 16 and " " not in words and "," not in words:
            return words
    except UnicodeError:
        pass
    raise ValueError("want a name of up to 16 characters without blank and comma")


TOPICS = (
    # A button was pressed: protocol and code in decimal, as in EV1527:11259365. Once per press:
    # a button that is held is pressed once.
    Pub("Keyfob", "keyfob", on="pressed", event=True),
    # A button with a name was pressed: its name.
    Pub("Button", "button", on="named", event=True),
    # Codes that were taught, with their names: EV1527:123 gate,HT6P20:5 door
    Pub("Learned", "learned", on="taught", refresh_ms=30 * MINUTES),
    # Since boot: frames received, good and bad ones, and what the pulses looked like.
    Pub("Statistics", "statistics", every_ms=60 * MINUTES, refresh_ms=60 * MINUTES),
    # A name: the next button that is pressed within a minute gets it.
    Sub("Learn", "learn", name),
    # A name: the buttons that were taught it lose it.
    Sub("Forget", "forget", name),
)
