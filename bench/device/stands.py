"""What stands in for the network and the watchdog of an appliance where only its packets count."""


class Machine:
    """Of net: the observers of its state machine."""

    def observe(self, callback):
        pass


class Net:
    sm = Machine()

    def connected(self):
        return True


class Watchdog:
    def may_block(self):
        pass

    may_block_exit = may_block
