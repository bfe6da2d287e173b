"""What the gateway of letterboxes publishes and obeys, and what it hears by radio."""

from epx.nowtopics import Hear
from epx.payloads import integer
from epx.topics import Pub, Sub

TOPICS = (
    # 1: there is mail; told each time the letterbox has looked.
    Pub("Mail", "mail", 0, on="mail", event=True),
    # How long the letterbox that was heard last shall sleep once, in minutes.
    Sub("Sleep", "let_sleep", integer(1, 1440)),
)
RADIO = (
    # 1: there is mail.
    Hear("stat/Letterbox/Mail", "heard_mail", integer(0, 1)),
)
