"""select for the control thread of a process in real time: stdin only."""

import select as host_select

POLLIN = 1


class poll:
    def __init__(self):
        self._poll = host_select.poll()
        self._stream = None

    def register(self, stream, mask):
        self._stream = stream
        self._poll.register(stream.fileno(), mask)

    def unregister(self, stream):
        self._poll.unregister(stream.fileno())

    def ipoll(self, timeout_ms):
        return [(self._stream, events) for _, events in self._poll.poll(timeout_ms)]
