"""The models of simulated chips, for tools that decode what a device in real time says to them."""

import importlib
import sys
from typing import Any

from epxhost.door import ROOT


def display() -> Any:
    """A display as it is after power-on."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    return importlib.import_module("testmock.models.ssd1306").SSD1306()
