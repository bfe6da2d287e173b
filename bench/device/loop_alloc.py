"""Heap bytes that 1,000 idle turns of epx.loop allocate, with the collector off."""

import gc

import micropython

from epx import loop


def nothing():
    pass


def allocated():
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    for _ in range(1000):
        loop.step()
    after = gc.mem_alloc()
    micropython.heap_lock()  # and now it must not even be tried
    try:
        for _ in range(1000):
            loop.step()
    finally:
        micropython.heap_unlock()
    return after - before


tasks = [loop.Task(nothing, 0, 1 + i % 3, tolerance_ms=i % 2) for i in range(20)]
for _ in range(100):
    loop.step()
print(allocated())
