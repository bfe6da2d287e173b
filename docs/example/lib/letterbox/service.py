"""What a letterbox sends and hears by radio."""

from epx.nowtopics import Hear, Tell
from epx.payloads import integer

# 1: there is mail.
MAIL = Tell("stat/Letterbox/Mail", "mail", 0)
RADIO = (
    # How long to sleep this time, in minutes.
    Hear("cmnd/Letterbox/Sleep", "sleep_for", integer(1, 1440)),
)
