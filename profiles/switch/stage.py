"""What hangs on the pins of a switch on the simulated bench. Never sent to a device."""

from testmock.models.shiftregister import ShiftRegisters


def stage(bench):
    # Contacts that are open; the pull-ups of these pins are on the board.
    for pin in (34, 35, 36, 39):
        bench.set_input(pin, 1)
    bench.parts["registers"] = ShiftRegisters(bench, 32, 15, 14, 16, 13)
