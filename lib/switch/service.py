"""What a switch publishes and obeys: of each output, of each input, of its program."""

from epx.clock import MINUTES
from epx.payloads import on_off, text
from epx.topics import Pub, Sub

OUTPUT = (
    # Of each output, numbered from 0: 1 is on, 0 is off. Kept over a power loss.
    Pub("%d/State", "level", 0, on="moved", refresh_ms=10 * MINUTES),
    # Switch one output; 1, up, 0, down are understood as well.
    Sub("%d/State", "switch", on_off),
)
INPUT = (
    # Of each input, numbered from 0. P: pressed, L: pressed for long; T+, T-: toggled on, off;
    # R+, R-: turned on, off.
    Pub("Manual%d/Event", "event", on="moved", event=True),
)
PROGRAM = (
    # The program that runs, as it was sent.
    Pub("Program", "text", on="compiled"),
    # What became of the last program that was sent: Success, or what is wrong with it. Said each
    # time.
    Pub("ProgramCompilation", "outcome", on="compiled", idle=""),
    # The program to run from now on; see Programs. The key mqttpacket says how long it may be.
    Sub("Program", "take", text(2000)),
)
