"""Two devices on the radio that tell each other how well they hear."""

from rich.text import Text

from epxhost.demostory import Key, Step, Story

_RADIO = "espnowpsk a secret of the demo\nespnowgroup Demo\n"


class Link(Story):
    """other: the peripheral."""

    name = "TNow"
    events = ("YourRSSI", "Value")
    config = _RADIO
    profile = "tnowc"
    other_profile = "tnowp"
    other_config = f"ssid (none)\n{_RADIO}"
    own_steps = (
        Step(0.0, "The peripheral looks for a central", "they pair by radio", "nothing"),
        Step(0.5, "Somebody asks the central", "cmnd/{name}/Trigger: it tells all", "trigger"),
        Step(0.8, "Once more", "the peripheral's log says how it is heard", "trigger"),
    )
    own_keys = (Key("t", "t", "trigger", "trigger"),)

    def nothing(self) -> None:
        pass

    def trigger(self) -> None:
        self.send("Trigger", "1")

    def rows(self, narrow: bool) -> list[tuple[str, Text]]:
        heard = self._state.topics.get("YourRSSI")
        return [
            ("heard", Text(f"{heard.text} dBm" if heard else "not yet")),
            ("clocks", Text(self.pace)),
        ]


STORY = Link
