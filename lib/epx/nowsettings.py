"""Keys of config.txt that devices on the radio have."""

from epx.config import Key, flag, integer, secret_text

RADIO_KEYS = (
    # What every device of the group knows and nobody else: whoever knows it may join.
    Key("espnowpsk", secret_text(1, 64), secret=True),
    # Name of the group. Others with the same espnowpsk are not heard.
    Key("espnowgroup", secret_text(1, 64)),
    # 1: the ESP32's long-range mode, for all of the group; its central is wired then.
    Key("espnowlongrange", flag, False),
)
# Of a central.
CENTRAL_KEYS = RADIO_KEYS + (
    # The radio's channel when the central is wired; with Wi-Fi it is the access point's.
    Key("espnowchannel", integer(1, 13), 1),
)
