"""The water tank's modules on the real loop, real drivers and modelled chips, in fake time."""

import errno
import sys
import unittest

import framebuf

from testmock.models.flowmeter import FlowMeter
from testmock.models.mcp23017 import MCP23017 as ExpanderModel
from testmock.models.ssd1306 import SSD1306 as DisplayModel

SECONDS = 1000
MINUTES = 60 * SECONDS
_TICKS_MASK = (1 << 30) - 1
_CONFIG = (
    "unit L",
    "capacity 1000",
    "levelsensors 20,40,60,80,100",
    "flowpulserate 4.8",
    "maxflow 50",
)
DRY = 0xFFFF


def with_heights(heights):
    """Lines of config.txt for a tank with switches at these heights."""
    text = ",".join([str(height) for height in heights])
    return [line if "levels" not in line else "levelsensors " + text for line in _CONFIG]


def wet(*switches):
    """Levels on the expander's pins with these switches, counted from 1, under water."""
    word = DRY
    for switch in switches:
        word &= ~(1 << switch - 1)
    return word


class Time:
    """time as on a board; begins 30 s before ticks_ms() wraps."""

    def __init__(self):
        self.passed_us = 0
        # MicroPython imports no methods from what is not a module, but attributes.
        self.ticks_ms = self._ticks_ms
        self.ticks_diff = self._ticks_diff
        self.sleep_ms = self._sleep_ms

    def now_us(self):
        return self.passed_us

    def _ticks_ms(self):
        return (self.passed_us // 1000 - 30000) & _TICKS_MASK

    def _ticks_diff(self, a, b):
        return ((a - b + (1 << 29)) & _TICKS_MASK) - (1 << 29)

    def _sleep_ms(self, ms):
        self.passed_us += ms * 1000


class Select:
    """select without a stream: waiting moves the clock."""

    POLLIN, POLLOUT, POLLERR, POLLHUP = 1, 4, 8, 16

    def __init__(self, time):
        self._time = time

    def poll(self):
        return self

    def ipoll(self, timeout_ms):
        self._time.sleep_ms(timeout_ms)
        return ()


class Bus:
    """machine.I2C with models hung on it; breaks_after counts down to a broken wire."""

    def __init__(self):
        self.models = {}
        self.transfers = 0

    def _model(self, address):
        self.transfers += 1
        model = self.models[address]
        if not model.present or model.failing:
            raise OSError(errno.ENODEV)
        return model

    def writeto(self, address, data):
        self._model(address).i2c_write(bytes(data))

    def writeto_mem(self, address, register, data):
        self.writeto(address, bytes((register,)) + bytes(data))

    def readfrom_mem_into(self, address, register, data):
        self._model(address).i2c_write(bytes((register,)))
        data[:] = self._model(address).i2c_read(len(data))


class Pin:
    IRQ_RISING = 1

    def __init__(self):
        self.handler = None
        self.trigger = None

    def irq(self, handler, trigger):
        self.handler = handler
        self.trigger = trigger


class Counter:
    """machine.Counter fed by a FlowMeter, which stands in for the pin."""

    def __init__(self, number, meter, filter_ns):
        meter.counter = self
        self.number = number
        self.filter_ns = filter_ns
        self._meter = meter

    def value(self):
        return self._meter.count_at(self._meter.time.now_us())


class Machine:
    """A firmware with pulse counters."""

    Counter = Counter


class OldMachine:
    """A firmware without."""


class Net:
    text = None

    def address(self):
        return self.text


class Mqtt:
    is_up = False

    def connected(self):
        return self.is_up


class Modules:
    """Private copies of the device's modules, on a clock of their own."""

    _OURS = ("epx", "h2o", "third", "time", "select", "machine")

    def __init__(self, machine):
        self.time = Time()
        kept = {}
        for name in list(sys.modules):
            if name.split(".")[0] in self._OURS:
                kept[name] = sys.modules.pop(name)
        sys.modules["time"] = self.time
        sys.modules["select"] = Select(self.time)
        sys.modules["machine"] = machine
        try:
            self._load()
        finally:
            for name in list(sys.modules):
                if name.split(".")[0] in self._OURS:
                    del sys.modules[name]
            sys.modules.update(kept)

    def _load(self):
        from epx import config, log, loop
        from h2o import actuator, sensor, service, settings
        from third import mcp23017, ssd1306

        self.config, self.log, self.loop = config, log, loop
        self.sensor, self.actuator = sensor, actuator
        self.service, self.settings = service, settings
        self.mcp23017, self.ssd1306 = mcp23017, ssd1306


class Bench:
    """A water tank without its framework: chips, meter, tank, display."""

    def __init__(self, lines=_CONFIG, has_display=False, expander_present=True):
        self.modules = modules = Modules(Machine())
        self.time = modules.time
        self.expander = ExpanderModel()
        self.expander.present = expander_present
        self.screen = DisplayModel()
        self.meter = FlowMeter(self.time.now_us)
        self.meter.time = self.time
        self.bus = Bus()
        self.bus.models[0x20] = self.expander
        self.bus.models[0x3C] = self.screen
        config = modules.config.Config((), modules.settings.KEYS, lines)
        assert config.ready, config.problems
        chip = modules.mcp23017.MCP23017(self.bus)
        self.tank = modules.sensor.Tank(config, chip, self.meter)
        self.net, self.mqtt = Net(), Mqtt()
        if has_display:
            self.driver = modules.ssd1306.SSD1306(self.bus)
            self.display = modules.actuator.Display(self.driver, self.tank, self.net, self.mqtt)

    def run_for(self, ms):
        """Let ms pass; what is due at their end still runs."""
        done = []
        self.modules.loop.Task(done.append, ms, arg=1)
        while not done:
            self.modules.loop.step()

    def log_lines(self):
        log = self.modules.log
        lines = []
        while log.peek():
            lines.append(log.peek())
            log.drop()
        return lines


class TestSettings(unittest.TestCase):
    def setUp(self):
        self.modules = Modules(Machine())

    def problems(self, *lines):
        return self.modules.config.Config((), self.modules.settings.KEYS, lines).problems

    def test_the_sample_is_valid(self):
        self.assertEqual(self.problems(*_CONFIG), [])

    def test_switches_must_rise(self):
        problems = self.problems(*with_heights((20, 20)))
        self.assertEqual(len(problems), 1)
        self.assertIn("rising", problems[0])

    def test_the_expander_has_sixteen_inputs(self):
        problems = self.problems(*with_heights(range(17)))
        self.assertEqual(len(problems), 1)

    def test_all_that_is_missing_is_said_at_once(self):
        self.assertEqual(len(self.problems()), 5)


class TestTopics(unittest.TestCase):
    def setUp(self):
        self.bench = Bench()
        self.rows = self.bench.modules.service.TOPICS

    def test_topics_and_times_are_those_of_existing_installations(self):
        found = [(row.topic, row.every_ms // 1000, row.refresh_ms // 60000) for row in self.rows]
        self.assertEqual(
            found,
            [
                ("VolUnit", 60000, 30),
                ("CoarseLevelPct", 1, 10),
                ("CoarseLevelVol", 1, 10),
                ("EstimatedLevelVol", 10, 10),
                ("EstimatedLevelStr", 10, 10),
                ("Flow", 10, 30),
                ("PumpedAfterLevelChange", 10, 30),
                ("Pumped", 60, 30),
                ("Malfunctions", 10, 30),
                ("LevelSensorMap", 1, 30),
            ],
        )

    def test_the_tank_has_every_value(self):
        self.bench.run_for(10 * SECONDS)
        payloads = []
        for row in self.rows:
            value = getattr(self.bench.tank, row.value)
            payloads.append(row.payload(value() if callable(value) else value))
        self.assertEqual(
            payloads,
            [
                b"L",
                b"100",
                b"1000",
                b"1000",
                b"100% + 0L",
                b"0.0",
                b"0.0",
                b"0.0",
                b"0",
                b"1,1,1,1,1",
            ],
        )


class TestLevel(unittest.TestCase):
    def setUp(self):
        self.bench = Bench()
        self.tank = self.bench.tank
        self.expander = self.bench.expander

    def settle(self, word):
        self.expander.inputs = word
        self.bench.run_for(5 * SECONDS)

    def expect(self, pct, malfunctions, text):
        found = (self.tank.level_pct, self.tank.malfunctions, self.tank.wet_text())
        self.assertEqual(found, (pct, malfunctions, text))

    def test_nothing_is_known_before_four_equal_samples(self):
        self.bench.run_for(2 * SECONDS + 500)
        self.expect(None, 0, None)
        self.assertIsNone(self.tank.level_volume())
        self.assertIsNone(self.tank.estimated_volume())
        self.assertIsNone(self.tank.estimated_text())
        self.bench.run_for(1 * SECONDS)
        self.expect(100, 0, "1,1,1,1,1")

    def test_the_highest_wet_switch_is_the_level(self):
        self.settle(wet(1, 2, 3))
        self.expect(60, 0, "1,1,1,0,0")
        self.assertEqual(self.tank.level_volume(), 600)
        self.settle(DRY)
        self.expect(0, 0, "0,0,0,0,0")

    def test_a_dry_switch_below_a_wet_one_is_a_malfunction(self):
        self.settle(251)
        self.expect(60, 1, "0,0,1,0,0")
        self.settle(248)
        self.expect(60, 0, "1,1,1,0,0")

    def test_a_level_counts_at_its_fourth_equal_sample(self):
        self.settle(wet(1, 2, 3))
        self.expander.inputs = wet(1, 2)
        self.bench.run_for(3 * SECONDS)
        self.expect(60, 0, "1,1,1,0,0")
        self.bench.run_for(1 * SECONDS)
        self.expect(40, 0, "1,1,0,0,0")

    def test_three_equal_samples_are_not_enough(self):
        self.settle(wet(1, 2, 3))
        for _ in range(5):
            self.expander.inputs = wet(1, 2)
            self.bench.run_for(3 * SECONDS)
            self.expander.inputs = wet(1, 2, 3)
            self.bench.run_for(1 * SECONDS)
            self.expect(60, 0, "1,1,1,0,0")

    def test_inputs_without_a_switch_do_not_matter(self):
        self.settle(wet(1, 2))
        for _ in range(8):
            self.expander.inputs ^= 0x8040
            self.bench.run_for(1 * SECONDS)
        self.expander.inputs = wet(1, 2, 3, 7, 16)
        self.bench.run_for(5 * SECONDS)
        self.expect(60, 0, "1,1,1,0,0")

    def test_sixteen_switches_use_all_inputs(self):
        bench = Bench(with_heights(range(6, 97, 6)))
        bench.expander.inputs = 0
        bench.run_for(5 * SECONDS)
        self.assertEqual(bench.tank.level_pct, 96)
        bench.expander.inputs = 0x8000
        bench.run_for(5 * SECONDS)
        self.assertEqual(bench.tank.level_pct, 90)

    def test_a_failure_while_reading_forces_100_and_is_tried_again_in_ten_minutes(self):
        self.settle(wet(1, 2, 3))
        self.expander.failing = True
        self.bench.run_for(1 * SECONDS)
        self.expect(100, 4, None)
        self.bench.run_for(9 * MINUTES)
        self.expect(100, 4, None)
        self.bench.run_for(1 * MINUTES)
        self.expect(100, 6, None)
        self.expander.failing = False
        self.bench.run_for(10 * MINUTES + 3 * SECONDS)
        self.expect(60, 0, "1,1,1,0,0")

    def test_the_same_level_as_before_the_outage_ends_the_forced_100(self):
        self.settle(wet(1, 2, 3))
        self.expander.failing = True
        self.bench.run_for(2 * SECONDS)
        self.expander.failing = False
        self.bench.run_for(10 * MINUTES)
        self.expect(100, 0, None)  # The expander works, four samples are not yet there.
        self.bench.run_for(4 * SECONDS)
        self.expect(60, 0, "1,1,1,0,0")

    def test_samples_from_before_an_outage_do_not_count(self):
        self.settle(wet(1, 2, 3))
        self.expander.inputs = wet(1, 2)
        self.bench.run_for(3 * SECONDS)
        self.expander.failing = True
        self.bench.run_for(1 * SECONDS)
        self.expander.failing = False
        self.bench.run_for(10 * MINUTES + 1500)
        self.expect(100, 0, None)
        self.bench.run_for(2 * SECONDS)
        self.expect(40, 0, "1,1,0,0,0")

    def test_an_expander_that_lost_its_power_is_an_outage(self):
        self.settle(wet(1, 2, 3))
        self.expander.power_on()
        self.bench.run_for(1 * SECONDS)
        self.expect(100, 4, None)
        self.bench.run_for(10 * MINUTES + 5 * SECONDS)
        self.expect(60, 0, "1,1,1,0,0")

    def test_an_outage_hides_the_dry_switch(self):
        self.settle(251)
        self.expander.failing = True
        self.bench.run_for(2 * SECONDS)
        self.expect(100, 4, None)

    def test_each_kind_of_failure_is_logged_once(self):
        self.bench.run_for(5 * SECONDS)
        self.bench.log_lines()
        self.expander.failing = True
        self.bench.run_for(61 * MINUTES)
        self.assertEqual(len(self.bench.log_lines()), 2)
        self.expander.failing = False
        self.bench.run_for(10 * MINUTES)
        self.assertEqual(self.bench.log_lines(), ["info h2o: level switches work again"])

    def test_an_expander_that_is_absent_at_start_is_tried_every_ten_minutes(self):
        bench = Bench(expander_present=False)
        bench.run_for(1)
        self.assertEqual((bench.tank.level_pct, bench.tank.malfunctions), (100, 2))
        bench.run_for(10 * MINUTES)
        self.assertEqual((bench.tank.level_pct, bench.tank.malfunctions), (100, 2))
        bench.expander.inputs = wet(1)
        bench.expander.present = True
        bench.run_for(10 * MINUTES + 4 * SECONDS)
        self.assertEqual((bench.tank.level_pct, bench.tank.malfunctions), (20, 0))


class TestFlow(unittest.TestCase):
    def setUp(self):
        self.bench = Bench()
        self.tank = self.bench.tank
        self.meter = self.bench.meter
        self.bench.run_for(5 * SECONDS)

    def test_thirty_pulses_per_second_are_six_and_a_quarter(self):
        self.meter.rate_hz = 30
        self.bench.run_for(60 * SECONDS)
        self.meter.rate_hz = 0
        self.assertEqual(self.tank.flow, 6.25)
        self.assertEqual(self.tank.estimated_text(), "100% + 6L")
        self.bench.run_for(1 * SECONDS)
        self.assertEqual(self.tank.pumped(), 6.3)
        self.assertEqual(self.tank.estimated_volume(), 1006.3)
        self.bench.run_for(12 * SECONDS)
        self.assertEqual(self.tank.flow, 0)

    def test_the_rate_is_renewed_after_more_than_five_seconds(self):
        self.bench.run_for(1 * SECONDS)
        self.meter.rate_hz = 48
        rates = []
        for _ in range(8):
            self.bench.run_for(1 * SECONDS)
            rates.append(self.tank.flow)
        self.assertEqual(rates.count(10), 8 - rates.index(10))
        self.assertTrue(0 < rates.index(10) <= 7)

    def test_a_second_with_too_many_pulses_counts_nothing(self):
        self.meter.pulses(242)
        self.bench.run_for(1 * SECONDS)
        self.assertTrue(self.tank.is_noisy)
        self.assertEqual(self.tank.pumped(), 0)
        self.assertEqual(self.tank.malfunctions, 0)
        self.meter.pulses(240)
        self.bench.run_for(1 * SECONDS)
        self.assertFalse(self.tank.is_noisy)
        self.assertEqual(self.tank.pumped(), 0.8)

    def test_the_pulses_of_a_slow_meter_are_not_noise(self):
        # One pulse per litre, 20 L/min at most: the second with a pulse has three times that.
        slow = {"flowpulserate": "flowpulserate 0.016667", "maxflow": "maxflow 20"}
        bench = Bench([slow.get(line.split()[0], line) for line in _CONFIG])
        bench.run_for(5 * SECONDS)
        for _ in range(6):
            bench.meter.pulses(1)
            bench.run_for(3 * SECONDS)
            self.assertFalse(bench.tank.is_noisy)
        self.assertEqual(bench.tank.pumped(), 6)

    def test_pulses_of_a_long_blocked_second_are_judged_by_its_length(self):
        self.meter.rate_hz = 200
        self.bench.time.sleep_ms(30 * SECONDS)
        self.bench.run_for(1 * SECONDS)
        self.assertFalse(self.tank.is_noisy)
        self.assertTrue(self.tank.pumped() > 20)

    def test_what_was_pumped_is_published_to_the_last_pulse(self):
        published = 0
        for i in range(200):
            self.meter.pulses(7 + i % 5)
            self.bench.run_for(1 * SECONDS)
            published += int(self.tank.pumped_since_sent() * 10 + 0.5)
            if i % 3:
                self.tank.pumped_sent()
            else:
                published -= int(self.tank.pumped_since_sent() * 10 + 0.5)
        published += int(self.tank.pumped_since_sent() * 10 + 0.5)
        pulses = sum([7 + i % 5 for i in range(200)])
        self.assertEqual(published, int(pulses / 288 * 10 + 0.5))

    def test_a_change_of_the_level_starts_a_new_count(self):
        self.bench.meter.pulses(144)
        self.bench.run_for(1 * SECONDS)
        self.assertEqual(self.tank.estimated_text(), "100% + 1L")
        self.bench.expander.inputs = wet(1, 2)
        self.bench.run_for(5 * SECONDS)
        self.assertEqual(self.tank.pumped(), 0)
        self.assertEqual(self.tank.estimated_text(), "40% + 0L")
        self.assertEqual(self.tank.pumped_since_sent(), 0.5)

    def test_an_outage_of_the_switches_does_not_forget_what_was_pumped(self):
        self.bench.meter.pulses(144)
        self.bench.run_for(1 * SECONDS)
        self.bench.expander.failing = True
        self.bench.run_for(2 * SECONDS)
        self.bench.expander.failing = False
        self.bench.run_for(11 * MINUTES)
        self.assertEqual((self.tank.malfunctions, self.tank.pumped()), (0, 0.5))

    def test_totals_stay_exact_beyond_small_integers(self):
        units = self.tank._units
        self.assertEqual(units(288 * 100000000, 1), 1000000000)
        self.assertEqual(units(288 * 100000000 + 144, 0), 100000001)
        self.assertEqual(units(143, 0), 0)


class TestCounters(unittest.TestCase):
    def test_the_hardware_counter_filters_short_pulses(self):
        counter = Bench().meter.counter
        self.assertEqual((counter.number, counter.filter_ns), (0, 1041000))

    def test_no_pulse_is_so_long_that_the_filter_waits_more_than_a_second(self):
        lines = [line if "maxflow" not in line else "maxflow 0.001" for line in _CONFIG]
        self.assertEqual(Bench(lines).meter.counter.filter_ns, 1000000000)

    def test_the_interrupt_count_stays_a_small_integer_and_the_tank_survives_its_wrap(self):
        modules = Modules(OldMachine())
        pin = Pin()
        config = modules.config.Config((), modules.settings.KEYS, _CONFIG)
        tank = modules.sensor.Tank(config, modules.mcp23017.MCP23017(Bus()), pin)
        tank._count = tank._counter._count = _TICKS_MASK - 2
        for _ in range(31):
            pin.handler(pin)
        self.assertEqual(tank._counter.value(), 28)
        modules.time.sleep_ms(1000)
        tank._sample_flow()
        self.assertEqual(tank.pumped_since_sent(), 0.1)


class Expected:
    """Draws what the display should show."""

    def __init__(self, bar_px, *lines):
        self._memory = bytearray(1024)
        self.frame = framebuf.FrameBuffer(self._memory, 128, 64, framebuf.MONO_VLSB)
        self.frame.rect(0, 0, 12, 64, 1)
        self.frame.fill_rect(0, 64 - bar_px, 12, bar_px, 1)
        for i in range(len(lines)):
            self.frame.text(lines[i], 20, 12 * i)

    def narrow(self, bar_px):
        """The bar of a malfunction."""
        self.frame.fill_rect(0, 0, 12, 64, 0)
        self.frame.rect(0, 0, 5, 64, 1)
        self.frame.fill_rect(0, 64 - bar_px, 5, bar_px, 1)

    def picture(self):
        return bytes(self._memory)


class TestDisplay(unittest.TestCase):
    def setUp(self):
        self.bench = Bench(has_display=True)
        self.screen = self.bench.screen

    def expect(self, expected):
        if self.screen.picture() != expected.picture():
            raise AssertionError("unexpected picture:\n" + "\n".join(self.screen.rows()))

    def test_at_first_nothing_is_known(self):
        self.bench.run_for(500)
        self.expect(Expected(0, "no net", "MQTT down", "0:00:00:00", "Level ?", "No flow"))

    def test_a_tank_at_rest(self):
        self.bench.expander.inputs = wet(1, 2, 3)
        self.bench.net.text = "192.168.1.7"
        self.bench.mqtt.is_up = True
        self.bench.run_for(61 * SECONDS + 500)
        self.expect(Expected(38, "192.168.1.7", "MQTT up", "0:00:01:01", "60% + 0L", "No flow"))

    def test_of_a_long_address_the_tail_is_shown(self):
        self.bench.net.text = "192.168.100.107"
        self.bench.run_for(4500)
        lines = ("2.168.100.107", "MQTT down", "0:00:00:04", "100% + 0L", "No flow")
        self.expect(Expected(64, *lines))

    def test_the_bar_blinks_while_it_flows(self):
        self.bench.expander.inputs = wet(1, 2)
        self.bench.meter.rate_hz = 30
        self.bench.run_for(60 * SECONDS + 500)
        lines = ("no net", "MQTT down", "0:00:01:00", "40% + 6L", "6.3 L/min")
        self.expect(Expected(25, *lines))
        self.bench.run_for(1 * SECONDS)
        lines = ("no net", "MQTT down", "0:00:01:01", "40% + 6L", "6.3 L/min")
        self.expect(Expected(0, *lines))

    def test_a_malfunction_shows_the_switches_beside_a_narrow_bar(self):
        self.bench.expander.inputs = wet(1, 3)
        self.bench.run_for(8500)
        expected = Expected(0, "no net", "MQTT down", "0:00:00:08", "Error 1", "No flow")
        expected.narrow(38)
        for y, height in ((0, 1), (12, 1), (25, 3), (37, 1), (50, 3)):
            expected.frame.fill_rect(7, y, 5, height, 1)
        self.expect(expected)

    def test_without_the_switches_there_are_no_marks(self):
        self.bench.run_for(5 * SECONDS)
        self.bench.expander.failing = True
        self.bench.run_for(2500)
        expected = Expected(0, "no net", "MQTT down", "0:00:00:07", "Error 4", "No flow")
        expected.narrow(64)
        self.expect(expected)

    def test_too_many_pulses_are_a_fault_of_the_flow_meter(self):
        self.bench.run_for(5 * SECONDS)
        self.bench.meter.rate_hz = 1000
        self.bench.run_for(3500)
        lines = ("no net", "MQTT down", "0:00:00:08", "100% + 0L", "Flow meter MF")
        self.expect(Expected(64, *lines))

    def test_uptime_counts_days(self):
        self.bench.run_for(5 * SECONDS)
        self.bench.time.sleep_ms((26 * 60 + 3) * MINUTES)
        self.bench.run_for(8500)
        lines = ("no net", "MQTT down", "1:02:03:13", "100% + 0L", "No flow")
        self.expect(Expected(64, *lines))

    def test_a_turn_of_the_loop_sends_one_page(self):
        sizes = []
        self.bench.run_for(5 * SECONDS)
        self.screen.data_bytes = 0
        self.bench.expander.inputs = wet(1)
        for _ in range(60):
            before = self.screen.data_bytes
            self.bench.modules.loop.step()
            sizes.append(self.screen.data_bytes - before)
        self.assertEqual(max(sizes), 128)

    def test_drawing_the_same_sends_nothing(self):
        self.bench.run_for(5500)
        self.screen.data_bytes = 0
        self.bench.display._refresh()
        self.assertEqual(self.screen.data_bytes, 0)

    def test_a_page_that_is_not_sent_would_look_the_same(self):
        bench, driver = self.bench, self.bench.driver
        bench.run_for(500)
        for i in range(60):
            bench.expander.inputs = wet(*((1, 2, 3, 4, 5), (1, 2), (), (2, 4), (1,))[i // 5 % 5])
            bench.expander.failing = i == 37
            bench.meter.rate_hz = (0, 17, 1000, 5)[i // 3 % 4]
            bench.net.text = (None, "10.0.0.1", "192.168.100.107")[i // 2 % 3]
            bench.mqtt.is_up = i & 1 == 1
            bench.run_for((1 + i % 3) * SECONDS)
            seen = bench.screen.rows()
            driver.dirty = -1
            while driver.dirty:
                bench.display._send()
            self.assertEqual(bench.screen.rows(), seen)

    def test_is_set_up_before_it_is_sent_a_page(self):
        self.bench.screen.present = False
        self.bench.run_for(500)
        # One attempt, to set it up; the switches take five transfers and a reading of two.
        self.assertEqual(self.bench.bus.transfers, 1 + 5 + 2)

    def test_an_idle_second_sends_one_page(self):
        self.bench.run_for(70500)
        self.screen.data_bytes = 0
        self.bench.run_for(10 * SECONDS)
        self.assertEqual(self.screen.data_bytes, 10 * 128)

    def test_a_display_that_fails_is_left_alone_for_ten_minutes_and_logged_once(self):
        self.bench.run_for(30500)
        self.bench.log_lines()
        self.screen.failing = True
        self.bench.run_for(2 * SECONDS)
        before = self.bench.bus.transfers
        self.bench.run_for(1 * SECONDS)
        self.assertEqual(self.bench.bus.transfers - before, 2)  # The switches go on.
        self.bench.run_for(61 * MINUTES)
        lines = self.bench.log_lines()
        self.assertEqual(len(lines), 1)
        self.assertIn("display", lines[0])
        self.screen.failing = False
        self.bench.run_for(10 * MINUTES)
        self.assertEqual(self.bench.log_lines(), ["info h2o: display works again"])
        rows = self.screen.picture()
        self.bench.run_for(1 * SECONDS)
        self.assertNotEqual(self.screen.picture(), rows)

    def test_a_display_that_is_absent_at_start_is_found_later(self):
        bench = Bench(has_display=True)
        bench.screen.present = False
        bench.run_for(5 * MINUTES)
        self.assertEqual(bench.tank.level_pct, 100)
        bench.screen.present = True
        bench.run_for(5 * MINUTES + 500)
        self.assertTrue(bench.screen.is_lit())

    def test_a_display_that_lost_its_power_is_lit_again_within_ten_minutes(self):
        self.bench.run_for(30500)
        self.screen.power_on()
        self.bench.run_for(10 * MINUTES)
        lines = ("no net", "MQTT down", "0:00:10:30", "100% + 0L", "No flow")
        self.expect(Expected(64, *lines))


if __name__ == "__main__":
    unittest.main()
