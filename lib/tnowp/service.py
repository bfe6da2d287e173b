"""What the peripheral of a link test sends and hears by radio."""

from epx.nowtopics import Hear, Tell
from epx.payloads import integer

# The signal strength, in dBm, with which it hears the central; 1001: it has heard nothing yet.
HEARD = Tell("stat/TNow/YourRSSI", "rssi_dbm", 0)
RADIO = (
    # ... and with which the central hears this device.
    Hear("stat/TNowP/YourRSSI", "told", integer(-128, 1001)),
)
