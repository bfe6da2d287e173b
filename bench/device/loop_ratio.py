"""Dispatches per second of epx.loop, divided by those of a bare heapq loop. Argument: tasks."""

import gc
import select
import sys
import time
from heapq import heappop, heappush

from epx import loop

RUNS = 5
RUN_MS = 300
fired = 0


def count():
    global fired
    fired += 1


def bare(tasks):
    """The least that a timer loop can do: mutable entries, one poll per pass, no cancel."""
    global fired
    heap = []
    for sequence in range(tasks):
        heappush(heap, [0, sequence, 0, count])
    sequence = tasks
    poller = select.poll()
    fired = 0
    start = time.ticks_ms()
    while True:
        for _ in poller.ipoll(0):
            pass
        now = time.ticks_diff(time.ticks_ms(), start)
        if now >= RUN_MS:
            return fired / now
        left = len(heap)
        while left and heap[0][0] <= now:
            entry = heappop(heap)
            left -= 1
            entry[0] = now + entry[2]
            entry[1] = sequence
            sequence += 1
            heappush(heap, entry)
            entry[3]()


class Enough(Exception):
    pass


def stop():
    raise Enough


def ours(tasks):
    """Through the loop's own run(): without a fault handler an exception ends it."""
    global fired
    running = [loop.Task(count, 0, 0) for _ in range(tasks)]
    loop.Task(stop, RUN_MS)
    fired = 0
    start = time.ticks_ms()
    try:
        loop.run()
    except Enough:
        now = time.ticks_diff(time.ticks_ms(), start)
    for task in running:
        task.cancel()
    loop.Task(count)  # something to wake up for; the cancelled ones are dropped with it
    loop.step()
    return fired / now


tasks = int(sys.argv[1])
ratios = []
for _ in range(RUNS):
    limit = bare(tasks)
    gc.collect()
    ratios.append(ours(tasks) / limit)
    gc.collect()
print(sorted(ratios)[RUNS // 2])
