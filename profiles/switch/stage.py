"""What hangs on the pins of a switch on the simulated bench. Never sent to a device."""

from testmock.models.shiftregister import ShiftRegisters


def stage(bench):
    # Contacts that are open; the pull-ups of these pins are on the board.
    for pin in (34, 35, 36, 39):
        bench.set_input(pin, 1)
    # The other pins of the example: those of a board are there before the program.
    for pin in (12, 17, 26, 33):
        bench.pin(pin)
    bench.parts["registers"] = ShiftRegisters(bench, 32, 15, 14, 16, 13)
