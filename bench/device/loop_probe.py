"""How often a task of 10 ms runs in 5 s beside 200 tasks of 100 ms."""

import time

from epx import loop

fired = 0


def probe():
    global fired
    fired += 1


def other():
    pass


others = [loop.Task(other, i % 100, 100) for i in range(200)]
loop.Task(probe, 10, 10)
start = time.ticks_ms()
while time.ticks_diff(time.ticks_ms(), start) <= 5000:
    loop.step()
print(fired)
