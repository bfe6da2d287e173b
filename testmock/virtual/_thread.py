"""_thread: each thread of the device is a fiber of the world."""

import _sim

_device = _sim.device


def start_new_thread(function, args, kwargs=None):
    _device.start_thread(function, args, kwargs or {})


def get_ident():
    return id(_device.world.current)


def stack_size(size=0):
    return 4096


def exit():
    raise SystemExit


class LockType:
    """A lock between the threads of one device."""

    def __init__(self):
        self._locked = False
        self._waiting = []

    def acquire(self, waitflag=1, timeout=-1):
        while self._locked:
            if not waitflag:
                return False
            self._waiting.append(_device.world.current)
            _device.block_us(-1)
        self._locked = True
        return True

    def release(self):
        if not self._locked:
            raise RuntimeError("release unlocked lock")
        self._locked = False
        if self._waiting:
            _device.world.wake(self._waiting.pop(0))

    def locked(self):
        return self._locked

    def __enter__(self):
        self.acquire()
        return self

    def __exit__(self, *error):
        self.release()


def allocate_lock():
    return LockType()
