"""The hardware around the processor: pins, buses, counters, radio; stage.py hangs parts on it.

It knows no world: its clock is any object with now_us() and spend_us(us), so that it serves
virtual and real time alike.
"""

from testmock.radio import Wifi

_HISTORY_LIMIT = 4000
# What a program needs to read a pin: an estimate for an ESP32. Charged where time matters.
_PIN_READ_US = 5
# Pads that can be outputs and hold their level through resets and deep sleep (ESP32 data sheet,
# RTC_MUX pin list); others only with gpio_deep_sleep_hold_en(), which no program here calls.
_HOLDING = frozenset((0, 2, 4, 12, 13, 14, 15, 25, 26, 27, 32, 33))


class PinState:
    """One pin as the outside sees it."""

    def __init__(self, bench, number):
        self._bench = bench
        self.number = number
        self.history = []
        self.driven = None
        self.source = None
        self.signal = None
        self.changed = None
        self.release()

    def release(self):
        """As after a reset: input, no pull, no interrupt."""
        self.mode = None
        self.pull = None
        self.latch = 0
        self.handler = None
        self.trigger = 0
        self.delivered = 0
        self.pin = None
        self.held = False

    def restart(self):
        """As after a reset that leaves the power on: what is held stays as it looks outside."""
        if self.held and self.number in _HOLDING:
            self.handler = None
            self._mode_beneath, self._latch_beneath = None, 0
        else:
            self.release()

    def hold(self, on):
        """Freeze the pad, or let it follow again what was set meanwhile."""
        if self.held:
            self.held = False
            self.mode = self._mode_beneath
            self.write(self._latch_beneath)
        if on:
            self._mode_beneath, self._latch_beneath = self.mode, self.latch
            self.held = True

    def set_mode(self, mode):
        if self.held:
            self._mode_beneath = mode
        else:
            self.mode = mode

    def is_output(self):
        return self.mode in (3, 7)

    def level(self):
        if self.mode == 3 or (self.mode == 7 and not self.latch):
            return self.latch
        if self.driven is not None:
            return self.driven
        if self.signal is not None:
            return self.signal.level_at(self._bench.clock.now_us())
        return 1 if self.pull == 2 else 0

    def write(self, value):
        """The program sets the output."""
        value = 1 if value else 0
        if self.held:
            self._latch_beneath = value
            return
        limit = self._bench.history_limit
        if limit and (not self.history or self.history[-1][1] != value):
            self.history.append((self._bench.clock.now_us() // 1000, value))
            if len(self.history) > limit:
                del self.history[: limit // 2]
        self.latch = value
        if self.changed:
            self.changed(value)

    def drive(self, value):
        """The outside sets the level of an input (None: lets go)."""
        before = self.level()
        self.driven = value
        after = self.level()
        if self.handler and before != after and self.trigger & (1 if after else 2):
            self.handler(self.pin)


class Bench:
    """What hangs on the pins and buses of one device."""

    def __init__(self, clock):
        self.clock = clock
        # Changes of each output that are remembered; 0 where there is little heap.
        self.history_limit = _HISTORY_LIMIT
        self.parts = {}
        self.pins = {}
        self.buses = {}
        self.uarts = {}
        self.uart_lines = {}  # the programs' ends of them
        self.wires = {}
        self.voltages = {}
        self.nvs = {}
        self.nvs_writes = 0
        self.wifi = Wifi(clock)
        self._ethernet = None
        self._partitions = None
        self._radio = None
        self.make_radio = None  # by who owns the bench: what espnow.py sends through
        self.has_counter = True
        self.uses_espnow = False  # said by stage.py, for installed programs in real time
        self.late_us = 0  # how long a level may seem to last too long, on a busy computer
        self.has_rmt_receiver = False  # esp32.RMTRX, of firmwares made for it
        self.frequency_hz = 160_000_000
        self.unique_id = b"\x24\x0a\xc4\x00\x00\x01"
        self.hostname = "mpy-esp32"
        self.pin_read_us = _PIN_READ_US
        self.cause = 1
        self.rtc_memory = b""
        self.rtc_offset_s = 0
        self.rtc_late_us = 0  # of the clock, by what it was too slow in sleeps
        self.watchdog_timeout_ms = 0
        self.fed_us = 0
        # Set by who owns the bench: what happens at a reset (never returns), and how the
        # watchdog is made to bite.
        self.on_reset = None
        self.on_watchdog = None
        self.on_commit = None
        # on_sleep(ms or None) at machine.deepsleep() (never returns); on_rtc_memory() after each
        # change of that.
        self.on_sleep = None
        self.on_rtc_memory = None
        # on_change(what, where) before each change of flash or NVRAM: "torn" or "after" if the
        # power goes there, and then on_cut() (never returns); on_busy(read, programmed, erased).
        self.on_change = None
        self.on_cut = None
        self.on_busy = None
        self._pulsing = []

    @property
    def ethernet(self):
        """Most devices have none, and little heap."""
        if self._ethernet is None:
            from testmock.cable import Ethernet

            self._ethernet = Ethernet(self.clock)
        return self._ethernet

    @property
    def partitions(self):
        """The firmwares; few programs look."""
        if self._partitions is None:
            from testmock.flashmap import FlashMap

            self._partitions = FlashMap()
        return self._partitions

    @property
    def radio(self):
        """For packets without an access point; few devices send any."""
        if self._radio is None:
            self._radio = self.make_radio()
        return self._radio

    # For stage.py and stories.

    def i2c(self, bus, address, model):
        """Hang a model on an I2C bus: bus number, or (scl, sda) for SoftI2C."""
        self.buses.setdefault(bus, {})[address] = model
        return model

    def counter(self, pin, source):
        """Feed a pin with pulses: source.count_at(now_us) is their number so far."""
        self.pin(pin).source = source
        return source

    def signal(self, pin, source):
        """Levels of an input as a function of time: source.level_at(now_us)."""
        self.pin(pin).signal = source
        return source

    def uart(self, number, model):
        """Hang a model on a serial line; see machine_rare.UART."""
        self.uarts[number] = model
        return model

    def uart_send(self, number, data):
        """Bytes that come on a serial line by themselves, once the program has opened it."""
        self.uart_lines[number]._arrive(data)

    def analog(self, pin, sensor):
        """A voltage at a pin, for machine.ADC: sensor.volts."""
        self.voltages[pin] = sensor
        return sensor

    def onewire(self, pin, bus):
        """A 1-Wire bus on a pin: models.onewire.OneWireBus."""
        self.wires[pin] = bus
        return bus

    def pin(self, number):
        state = self.pins.get(number)
        if state is None:
            state = self.pins[number] = PinState(self, number)
        return state

    def output(self, number):
        """The level that the program gives to a pin; None while it is not an output."""
        state = self.pin(number)
        return state.latch if state.is_output() else None

    def set_input(self, number, value):
        self.pin(number).drive(value)

    # For the mocks.

    def attach_interrupt(self, state, handler, trigger, pin):
        state.handler = handler
        state.trigger = trigger
        state.pin = pin
        if state.source:
            state.delivered = state.source.count_at(self.clock.now_us())
            if handler and state not in self._pulsing:
                self._pulsing.append(state)

    def deliver_edges(self):
        """Call the interrupt handlers for the pulses that came since the last time."""
        for state in self._pulsing:
            if state.handler:
                total = state.source.count_at(self.clock.now_us())
                while state.delivered < total:
                    state.delivered += 1
                    state.handler(state.pin)

    def flash_change(self, what, where):
        return self.on_change(what, where) if self.on_change else None

    def flash_changed(self, how):
        if how:
            self.on_cut()

    def flash_busy(self, read_bytes, programmed_bytes, erased_blocks):
        if self.on_busy:
            self.on_busy(read_bytes, programmed_bytes, erased_blocks)

    def reset(self, cause):
        self.on_reset(cause)

    def start_watchdog(self, timeout_ms):
        self.watchdog_timeout_ms = timeout_ms
        self.fed_us = self.clock.now_us()
        if self.on_watchdog:
            self.on_watchdog()

    def feed(self):
        self.fed_us = self.clock.now_us()

    def sleep(self):
        """Deep sleep begins: of the chip only its clock runs, and what hangs on it stays."""
        self.watchdog_timeout_ms = 0
        for state in self.pins.values():
            state.restart()
        self.wifi.restart()
        if self._ethernet:
            self._ethernet.restart()
        if self._radio:
            self._radio.restart()

    def restart(self, cause, power_lost):
        """The processor begins anew."""
        self.cause = cause
        self.watchdog_timeout_ms = 0
        self._pulsing.clear()
        self.uart_lines.clear()
        for state in self.pins.values():
            if power_lost:
                state.release()
            else:
                state.restart()
        self.wifi.restart()
        if self._radio:
            self._radio.restart()
        if self._ethernet:
            self._ethernet.restart()
        if self._partitions:
            self._partitions.restart()
        if power_lost:
            self.rtc_memory = b""
            self.rtc_offset_s = -(self.clock.now_us() // 1_000_000)
            self.rtc_late_us = 0
            for model in self.parts.values():
                if hasattr(model, "power_on"):
                    model.power_on()
