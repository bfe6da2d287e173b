"""A simulated device: its own modules, files, pins and sockets, on the world's clock."""

import sys

from testmock.bench import Bench
from testmock.simworld.flash import Flash
from testmock.simworld.lan import Lan
from testmock.simworld.world import Stopped

if sys.implementation.name == "micropython":
    from testmock.simworld.program_micropython import Program, format_exception, load_stage

    def _program_of(device):
        return Program(device)

else:
    from testmock.simworld.program_cpython import Program, format_exception, load_stage
    from testmock.simworld.program_flash import FlashProgram, is_installed

    def _program_of(device):
        """A board boots from its flash; one with nothing in it, from the repository."""
        return (FlashProgram if is_installed(device.flash) else Program)(device)


PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4

_OUTPUT_LIMIT = 5000
# From the end of a reset to the first line of boot.py, about what an ESP32 takes.
BOOT_MS = 300


class _BenchClock:
    """The world's clock, as the hardware sees it."""

    def __init__(self, world):
        self._world = world

    def now_us(self):
        return self._world.now_us

    def spend_us(self, us):
        self._world.spend(us)

    def wait_us(self, us):
        """As spend_us, for so long that others must go on: a thread waits or computes."""
        fiber = self._world.current
        if fiber and us:
            fiber.owner.sleep_us(us)

    def call_after(self, ms, callback):
        return self._world.call_after(ms, callback)


class Device:
    """A board that boots a profile (None: a bare board; see run()).

    output: console lines as (ms, text); resets: (ms, cause); crash: (ms, traceback) of a program
    that ended at the prompt; expect_crash: the story wants that. slept: (ms, duration_ms asked
    for, None: for ever) of each deep sleep; sleep_error: how much too slow its clock is meanwhile
    (0.03: 3 %), that of time(), too; awake_ms: how long its processor has run; a story may set
    it to 0.
    """

    def __init__(self, world, profile, config=None, name="device", extra_paths=()):
        self.world = world
        self.profile = profile
        self.name = name
        self.extra_paths = extra_paths
        if world.lan is None:
            world.lan = Lan(world)
        self.lan = world.lan
        self.random = world.random.fork(name)
        self.flash = Flash()
        if config is not None:
            self.flash.load("/config.txt", config)
        self.bench = Bench(_BenchClock(world))
        self._connect_hooks()
        self._number_among(world.devices)
        self.wifi = self.bench.wifi
        self.ethernet = self.bench.ethernet
        self.wifi.on_down = self.ethernet.on_down = self._link_down
        self.nvram = self.bench.nvs
        self.output = []
        self.resets = []
        self.crash = None
        self.expect_crash = False
        # Instead of boot.py and main.py: called with a function that imports as the device does.
        self.boot_function = None
        # Called as after_import(name, module) when a module of the program has run (CPython only).
        self.after_import = None
        self.powered = False
        self.sleeping = False
        self.slept = []
        self.sleep_error = self._sleep_error = 0.0
        self._alarm_clock = None
        self._awake_us = 0
        self.open_sockets = 0
        self.sockets_opened = 0
        self.turns = 0
        self.longest_turn_ms = 0
        self.fibers = []
        self._turn_began_us = 0
        self._line = ""
        self._watchdog = None
        self._program = None
        load_stage(self)

    def _connect_hooks(self):
        bench, flash = self.bench, self.flash
        bench.make_radio = self._make_radio
        bench.on_sleep = self._sleep_from_inside
        bench.on_reset = self._reset_from_inside
        bench.on_watchdog = self._watchdog_started
        bench.on_change = flash.point
        bench.on_cut = flash.cut
        bench.on_busy = flash.busy
        flash.on_cut = self._cut_from_inside
        flash.spend = self._spend

    def _number_among(self, devices):
        """Addresses of its own, which stories may change."""
        number = len(devices)
        devices.append(self)
        bench = self.bench
        bench.unique_id = bench.wifi.mac = bytes((0x24, 0x0A, 0xC4, 0, number, 1))
        bench.ethernet.mac = bytes((0x24, 0x0A, 0xC4, 0, number, 4))
        bench.wifi.address = bench.ethernet.address = "192.168.1.%d" % (7 + number)

    @property
    def firmware_has_counter(self):
        return self.bench.has_counter

    @firmware_has_counter.setter
    def firmware_has_counter(self, there):
        self.bench.has_counter = there

    # For stories.

    def power_on(self):
        """Connect the power; the device boots as the world runs on."""
        if self.powered:
            raise RuntimeError("%s has power already" % self.name)
        self.powered = True
        self._note("power on")
        self._awake_us -= self.world.now_us
        self.bench.restart(PWRON_RESET, power_lost=True)
        self._boot()

    def power_cut(self):
        """Take the power away: at once if a story asks, else as soon as nothing runs."""
        self.world.defer(self._power_cut)

    def reset(self, cause=HARD_RESET):
        """Reset the processor from outside (the button)."""
        self.world.defer(lambda: self._restart(cause))

    @property
    def awake_ms(self):
        running = self.powered and not self.sleeping
        return (self._awake_us + (self.world.now_us if running else 0)) // 1000

    @awake_ms.setter
    def awake_ms(self, ms):
        running = self.powered and not self.sleeping
        self._awake_us = ms * 1000 - (self.world.now_us if running else 0)

    def module(self, name):
        """A module of the running program, or None."""
        return self._program.find(name) if self._program else None

    def run(self, target):
        """Run target() as the program of a bare board until it ends; what it returns or raises."""
        result = []

        def program():
            try:
                result.append((target(), None))
            except Stopped:
                raise
            except BaseException as error:
                result.append((None, error))

        self.spawn(program, self.name)
        self.world.run_until(lambda: result, 1 << 40)
        if not result:
            raise RuntimeError("the program was stopped, or waits for ever")
        value, error = result[0]
        if error:
            raise error
        return value

    def snapshot(self):
        """What survives a power cut, for restore(): flash, NVRAM, firmwares."""
        nvs = self.bench.nvs
        values = {name: dict(nvs[name]) for name in nvs}
        return self.flash.snapshot(), values, self.bench.partitions.snapshot()

    def restore(self, saved):
        """Be as at that snapshot(); without power."""
        if self.powered:
            self.power_cut()
        self.flash.restore(saved[0])
        self.bench.nvs.clear()
        for name in saved[1]:
            self.bench.nvs[name] = dict(saved[1][name])
        self.bench.partitions.restore(saved[2])

    def console(self, since_ms=0):
        """The console as text."""
        return "\n".join(
            ["%10.3f %s" % (ms / 1000, line) for ms, line in self.output if ms >= since_ms]
        )

    def said(self, text):
        """Has a console line contained text?"""
        return any(text in line for _, line in self.output)

    def address(self):
        return self.wifi.address if self.wifi.is_up() else self.ethernet.address

    def link_is_up(self):
        return self.wifi.is_up() or self.ethernet.is_up()

    # Boot and end.

    def prepare(self):
        """Load the mocks for a program that is started by run()."""
        self._program = _program_of(self)
        return self._program

    def _boot(self):
        self.flash.cwd = "/"
        self._program = _program_of(self)
        self.spawn(self._main, self.name + " main")

    def _main(self):
        self.sleep_us(BOOT_MS * 1000)
        try:
            if self.boot_function:
                self.boot_function(self._program.load)
            elif hasattr(self._program, "boot"):
                self._program.boot()
            else:
                self._program.run_file("boot")
                self._program.run_file("main")
        except Stopped:
            raise
        except Exception as error:
            text = format_exception(error)
            self.crash = (self.world.now_ms(), text)
            self.write_console(text)
            self._note("crash")
        except SystemExit:
            self._note("exit")

    def spawn(self, target, name):
        fiber = self.world.spawn(target, name, self)
        self.fibers = [f for f in self.fibers if not f.done]
        self.fibers.append(fiber)
        return fiber

    def start_thread(self, function, args, kwargs):
        def target():
            try:
                function(*args, **kwargs)
            except Stopped:
                raise
            except Exception as error:
                text = "Unhandled exception in thread started by %s\n" % getattr(
                    function, "__name__", "?"
                )
                text += format_exception(error)
                self.crash = self.crash or (self.world.now_ms(), text)
                self.write_console(text)
                self._note("thread crash")
            except SystemExit:
                pass

        self.spawn(target, "%s thread %d" % (self.name, len(self.fibers)))

    def _reset_from_inside(self, cause):
        """machine.reset() never returns."""
        self.flash.powered = False
        self.world.defer(lambda: self._restart(cause))
        raise Stopped

    def _make_radio(self):
        from testmock.simworld.deviceradio import DeviceRadio

        return DeviceRadio(self)

    def _sleep_from_inside(self, ms):
        """machine.deepsleep() never returns."""
        self.flash.powered = False
        self.world.defer(lambda: self._sleep(ms))
        raise Stopped

    def _sleep(self, ms):
        if not self.powered:
            return
        self._end()
        self.slept.append((self.world.now_ms(), ms))
        self._note("deep sleep %s" % ms)
        self._awake_us += self.world.now_us
        self.sleeping = True
        self.bench.sleep()
        self._sleep_error = self.sleep_error
        self._slept_at_us = self.world.now_us
        if ms is not None:
            self._alarm_clock = self.world.call_after(ms * (1 + self.sleep_error), self._wake)

    def _wake(self):
        self._alarm_clock = None
        self._rouse()
        self._note("wakes up")
        self.bench.restart(DEEPSLEEP_RESET, power_lost=False)
        self._boot()

    def _rouse(self):
        if self._alarm_clock:
            self._alarm_clock.cancel()
            self._alarm_clock = None
        if self.sleeping:
            self.sleeping = False
            # The clock that has timed the sleep is the one that tells the time.
            slept_us = self.world.now_us - self._slept_at_us
            self.bench.rtc_late_us += int(slept_us - slept_us / (1 + self._sleep_error))
            self._awake_us -= self.world.now_us

    def _cut_from_inside(self):
        """The power goes at a change of the flash; who called raises Stopped."""
        self.world.defer(self._power_cut)

    def _spend(self, us):
        """The thread of the device that uses the flash waits for it."""
        fiber = self.world.current
        if fiber and fiber.owner is self:
            self.world.spend(us)

    def _restart(self, cause):
        if self.powered:
            self._end()
            self._rouse()
            self.resets.append((self.world.now_ms(), cause))
            self._note("reset %d" % cause)
            self.bench.restart(cause, power_lost=False)
            self._boot()

    def _power_cut(self):
        if self.powered:
            self._end()
            self._rouse()
            self._awake_us += self.world.now_us
            self.powered = False
            self._note("power cut")

    def _end(self):
        fibers, self.fibers = self.fibers, []
        if self._watchdog:
            self._watchdog.cancel()
            self._watchdog = None
        self.lan.power_lost(self)
        # What still runs through its `with` and `finally` writes nothing.
        self.flash.powered = False
        self.world.stop(fibers)
        self.flash.powered = True
        self.open_sockets = 0
        if self._program:
            self._program.close()
            self._program = None
        self._flush_line()

    def close(self):
        """The world ends."""
        self._end()

    def modules(self):
        return self._program.modules if self._program else {}

    # Time.

    def block_us(self, us):
        """A thread of the device waits."""
        self.world.block(us)
        if self.bench._pulsing:
            self.bench.deliver_edges()

    def sleep_us(self, us):
        """The same, to the end, whoever wakes the thread."""
        world = self.world
        end_us = world.now_us + us
        self.block_us(us)
        while world.now_us < end_us:
            self.block_us(end_us - world.now_us)

    def turn_ends(self):
        """The main loop goes to poll."""
        if self._turn_began_us:
            self.turns += 1
            ms = (self.world.now_us - self._turn_began_us) // 1000
            self.longest_turn_ms = max(self.longest_turn_ms, ms)

    def turn_begins(self):
        self._turn_began_us = self.world.now_us

    def check_poll(self):
        """A poll while the interface is down, on a board that does not like it."""
        if self.open_sockets and not self.link_is_up():
            raise OSError(-1)

    def _watchdog_started(self):
        # Made again with another time limit: that one counts.
        if self._watchdog:
            self._watchdog.cancel()
        self._watchdog_due()

    def _watchdog_due(self):
        bench = self.bench
        left_us = bench.fed_us + bench.watchdog_timeout_ms * 1000 - self.world.now_us
        if left_us > 0:
            self._watchdog = self.world.call_after(left_us / 1000, self._watchdog_due)
        else:
            self._watchdog = None
            self.world.defer(lambda: self._restart(WDT_RESET))

    # What the program does to the outside.

    def _link_down(self, deactivated):
        self._note("link down")
        self.lan.link_down(self, deactivated)

    def write_console(self, text):
        self._line += text
        while "\n" in self._line:
            line, self._line = self._line.split("\n", 1)
            self._keep(line)

    def _flush_line(self):
        if self._line:
            self._keep(self._line)
            self._line = ""

    def _keep(self, line):
        self.output.append((self.world.now_ms(), line))
        if len(self.output) > _OUTPUT_LIMIT:
            del self.output[: _OUTPUT_LIMIT // 2]
        self._note(line)

    def _note(self, what):
        self.world.note(self.name, what)
