"""_thread on CPython in real time; daemons, so that the process can end."""

import _sim

_threading = _sim.import_module("threading")
_host = _sim.import_module("_thread")

allocate_lock = _host.allocate_lock
get_ident = _host.get_ident
LockType = _host.LockType


def start_new_thread(function, args, kwargs=None):
    _threading.Thread(target=function, args=args, kwargs=kwargs or {}, daemon=True).start()


def stack_size(size=0):
    return 4096


def exit():
    raise SystemExit
