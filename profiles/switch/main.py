"""Switch: relays, worked by buttons and switches on the wall as a program says, and by MQTT."""

from epx.appliance import Appliance


def settings():
    """Forgotten after the start, to keep the heap for the appliance."""
    from switch.settings import KEYS

    return KEYS


def build(app):
    from machine import Pin

    from epx import diag, loop
    from epx.nvram import Nvram
    from switch import boards
    from switch.actuator import Outputs
    from switch.program import Program
    from switch.sensor import Inputs
    from switch.service import INPUT, OUTPUT, PROGRAM

    port, board = boards.opened or boards.restore()
    diag.forget("switch", "boards")
    nvram = Nvram("switch")
    outputs = Outputs(port, len(board.outputs), nvram)
    program = Program(nvram, outputs, len(board.inputs))
    inputs = Inputs(app.config, port, len(board.inputs), program)
    app.health = inputs.health
    if app.config.led is None and board.led[0] is not None:
        pin, inverted = board.led
        loop.set_led(Pin(pin, Pin.OUT), inverted)
    for table, sources in ((OUTPUT, outputs.each), (INPUT, inputs.each)):
        for i, source in enumerate(sources):
            app.mqtt.bind(source, table, i)
    app.mqtt.bind(program, PROGRAM)


Appliance("switch", settings).run(build)
