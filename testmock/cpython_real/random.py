"""random, with MicroPython's few names."""

import _sim

_host = _sim.import_module("random")

choice = _host.choice
getrandbits = _host.getrandbits
randint = _host.randint
random = _host.random
randrange = _host.randrange
seed = _host.seed
uniform = _host.uniform
