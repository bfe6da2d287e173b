"""What the central of a link test publishes and obeys, and what it hears by radio."""

from epx.nowtopics import Hear
from epx.payloads import integer, text
from epx.topics import Pub, Sub

TOPICS = (
    # What a peripheral has sent as stat/TNow/Value.
    Pub("Value", "value", on="value", event=True),
    # The signal strength, in dBm, with which a peripheral hears this central; 1001: not yet.
    Pub("YourRSSI", "rssi_dbm", 0, on="rssi", event=True),
    # Tell every peripheral now how strong its signal is here.
    Sub("Trigger", "tell", bytes),
)
RADIO = (
    # Any text.
    Hear("stat/TNow/Value", "heard_value", text(160)),
    # With how many dBm a peripheral hears this central; 1001: not yet.
    Hear("stat/TNow/YourRSSI", "heard_rssi", integer(-128, 1001)),
)
