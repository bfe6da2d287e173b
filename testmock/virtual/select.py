"""select.poll over simulated streams: objects with _events() and a list _pollers."""

import _sim

POLLIN = 1
POLLOUT = 4
POLLERR = 8
POLLHUP = 16

_device = _sim.device
_world = _device.world
_ALWAYS = POLLERR | POLLHUP | 32  # POLLNVAL: a closed stream


class poll:
    def __init__(self):
        self._entries = []
        self._fiber = None

    def _find(self, obj):
        for entry in self._entries:
            if entry[0] is obj:
                return entry
        return None

    def register(self, obj, eventmask=POLLIN | POLLOUT):
        entry = self._find(obj)
        if entry:
            entry[1] = eventmask | _ALWAYS
            return False
        obj._pollers.append(self)
        self._entries.append([obj, eventmask | _ALWAYS])
        return True

    def modify(self, obj, eventmask):
        entry = self._find(obj)
        if not entry:
            raise OSError(2)
        entry[1] = eventmask | _ALWAYS

    def unregister(self, obj):
        entry = self._find(obj)
        # The port forgives an object that it does not know.
        if entry:
            self._entries.remove(entry)
            obj._pollers.remove(self)

    def _changed(self):
        """A stream of ours has news."""
        if self._fiber:
            _world.wake(self._fiber)

    def _scan(self):
        ready = []
        for obj, mask in self._entries:
            events = obj._events() & mask
            if events:
                ready.append((obj, events))
        return ready

    def poll(self, timeout=-1):
        return self.ipoll(timeout)

    def ipoll(self, timeout=-1, flags=0):
        _device.turn_ends()
        if _device.bench.wifi.poll_raises:
            _device.check_poll()
        ready = self._scan()
        if not ready:
            self._fiber = _world.current
            if timeout < 0:
                while not ready:
                    _device.block_us(-1)
                    ready = self._scan()
            else:
                end_us = _world.now_us + timeout * 1000
                while not ready:
                    _device.block_us(max(0, end_us - _world.now_us))
                    ready = self._scan()
                    if _world.now_us >= end_us:
                        break
            self._fiber = None
        elif timeout == 0:
            _device.block_us(0)
        _device.turn_begins()
        return ready
