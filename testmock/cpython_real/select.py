"""select.poll that tells the objects themselves, as MicroPython's does."""

import _sim

_host = _sim.import_module("select")

POLLIN = 1
POLLOUT = 4
POLLERR = 8
POLLHUP = 16


class poll:
    def __init__(self):
        self._poll = _host.poll()
        self._objects = {}

    def register(self, obj, eventmask=POLLIN | POLLOUT):
        number = obj.fileno()
        self._objects[number] = obj
        self._poll.register(number, eventmask)

    def modify(self, obj, eventmask):
        self._poll.modify(self._number(obj), eventmask)

    def unregister(self, obj):
        number = self._number(obj)
        del self._objects[number]
        self._poll.unregister(number)

    def _number(self, obj):
        # A closed socket has no number any more.
        for number, known in self._objects.items():
            if known is obj:
                return number
        raise OSError(2)

    def poll(self, timeout=-1):
        return [
            (self._objects[number], events & 31)
            for number, events in self._poll.poll(None if timeout < 0 else timeout)
            if number in self._objects
        ]

    def ipoll(self, timeout=-1, flags=0):
        return self.poll(timeout)
