"""What a scale manager publishes, and what it hears from its scale by radio."""

from epx.nowtopics import Hear
from epx.payloads import integer
from epx.topics import Pub


def kilograms(payload):
    try:
        value = float(payload)
        if -10000 < value < 10000:
            return value
    except ValueError:
        pass
    raise ValueError("want kilograms, a number")


TOPICS = (
    # Kilograms, each time the scale has weighed.
    Pub("Weight", "weight_kg", 3, on="weight_kg", event=True),
    # 0: none; 1: the converter does not answer; 4: it cannot be read; 8: the load does not rest.
    Pub("Malfunction", "malfunction", 0, on="malfunction", event=True),
)
RADIO = (
    # Kilograms, as it has weighed them.
    Hear("stat/LPScale/Weight", "heard_weight", kilograms),
    # Why it could not weigh.
    Hear("stat/LPScale/Malfunction", "heard_malfunction", integer(0, 255)),
)
