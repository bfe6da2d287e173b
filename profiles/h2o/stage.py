"""What hangs on the pins of a water tank on the simulated bench. Never sent to a device."""

from testmock.models.flowmeter import FlowMeter
from testmock.models.mcp23017 import MCP23017
from testmock.models.ssd1306 import SSD1306


def stage(bench):
    expander, display, flow = MCP23017(), SSD1306(128, 64), FlowMeter(bench.clock.now_us)
    bench.i2c(0, 0x20, expander)
    bench.i2c(0, 0x3C, display)
    bench.counter(14, flow)
    bench.parts["expander"] = expander
    bench.parts["display"] = display
    bench.parts["flow"] = flow
