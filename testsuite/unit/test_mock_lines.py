"""Serial lines, 1-Wire buses and signals of the simulated bench, and the time that they take."""

import unittest

import _sim
from machine import UART, Pin, time_pulse_us
from onewire import OneWire, OneWireError

from testmock.models.onewire import OneWireBus, OneWireDevice, crc8

BENCH = _sim.bench


def now_us():
    return BENCH.clock.now_us()


def wait_us(us):
    BENCH.clock.spend_us(us)


class Echo:
    """Answers with what it hears, in capitals."""

    answer_us = 5000

    def __init__(self):
        self.heard = []

    def uart_write(self, data):
        self.heard.append(data)
        return data.upper() if data != b"quiet" else None


class TestUart(unittest.TestCase):
    def setUp(self):
        self.model = BENCH.uart(2, Echo())
        self.uart = UART(2, baudrate=9600)

    def test_a_byte_takes_its_bits_both_ways_and_the_program_goes_on(self):
        began_us = now_us()
        self.assertEqual(self.uart.write(b"abc"), 3)
        self.assertEqual(now_us(), began_us)
        self.assertFalse(self.uart.txdone())
        wait_us(3 * 1042)
        self.assertTrue(self.uart.txdone())
        wait_us(5000 + 1041)
        self.assertEqual(self.uart.any(), 0)
        self.assertIsNone(self.uart.read())
        wait_us(1)
        self.assertEqual(self.uart.any(), 1)
        wait_us(1042)
        self.assertEqual(self.uart.read(), b"AB")
        self.assertEqual(self.uart.any(), 0)
        wait_us(1042)
        self.assertEqual(self.uart.read(), b"C")
        self.assertEqual(self.model.heard, [b"abc"])

    def test_flush_waits_until_all_is_sent(self):
        began_us = now_us()
        self.uart.write(bytes(10))
        self.uart.flush()
        self.assertEqual(now_us() - began_us, 10 * 1042)
        self.uart.flush()
        self.assertEqual(now_us() - began_us, 10 * 1042)

    def test_no_answer_is_none(self):
        self.uart.write(b"quiet")
        wait_us(1000000)
        self.assertIsNone(self.uart.read())
        self.assertIsNone(self.uart.readinto(bytearray(4)))

    def test_parity_and_stop_bits_take_time(self):
        self.uart.init(9600, bits=8, parity=0, stop=2)
        self.uart.write(b"x")
        wait_us(1249)
        self.assertFalse(self.uart.txdone())
        wait_us(1)
        self.assertTrue(self.uart.txdone())

    def test_what_nobody_asked_for_comes_in_front(self):
        BENCH.uart_send(2, b"\x00\xff")
        self.uart.write(b"a")
        wait_us(100000)
        self.assertEqual(self.uart.read(1), b"\x00")
        buffer = bytearray(4)
        self.assertEqual(self.uart.readinto(buffer), 2)
        self.assertEqual(bytes(buffer), b"\xffA\x00\x00")

    def test_bytes_on_the_wire_do_not_overtake_each_other(self):
        self.uart.write(b"a")
        BENCH.uart_send(2, b"1")
        wait_us(100000)
        self.assertEqual(self.uart.read(), b"A1")

    def test_of_what_nobody_reads_the_first_bytes_are_kept(self):
        BENCH.uart_send(2, bytes(range(256)) + b"lost")
        wait_us(1000000)
        self.assertEqual(self.uart.any(), 256)
        self.assertEqual(self.uart.read(), bytes(range(256)))

    def test_a_long_text_blocks_until_the_rest_fits_the_buffer(self):
        began_us = now_us()
        self.uart.write(bytes(266))
        self.assertEqual(now_us() - began_us, 10 * 1042)

    def test_an_open_end_says_nothing(self):
        uart = UART(1)
        uart.write(b"hello")
        wait_us(1000000)
        self.assertEqual(uart.any(), 0)
        self.uart.deinit()
        self.uart.write(b"hello")
        self.assertEqual(self.model.heard, [])

    def test_there_are_three(self):
        self.assertRaises(ValueError, lambda: UART(3))


class Store(OneWireDevice):
    """Gives back the byte it was given last."""

    kept = 0
    busy = False

    def command(self, byte):
        if byte == 0xBE:
            self.send(bytes((self.kept,)))
        else:
            self.kept = byte

    def status_bit(self):
        return 0 if self.busy else 1


class TestOneWire(unittest.TestCase):
    def setUp(self):
        self.devices = [Store(0x28, serial) for serial in (0x1234, 0x1235, 0x800000001234, 5)]
        self.bus = BENCH.onewire(14, OneWireBus(*self.devices))
        self.wire = OneWire(Pin(14))

    def test_a_number_carries_its_check(self):
        self.assertEqual(crc8(self.devices[0].rom), 0)
        # Example of Maxim's application note 27: family 02h, serial 00000001B81Ch, check A2h.
        rom = b"\x02\x1c\xb8\x01\x00\x00\x00"
        self.assertEqual((crc8(rom), self.wire.crc8(rom)), (0xA2, 0xA2))

    def test_the_search_finds_all_in_the_order_of_the_boards(self):
        found = [bytes(rom) for rom in self.wire.scan()]
        order = (1, 3, 2, 0)  # ones first, lowest bit first
        self.assertEqual(found, [self.devices[i].rom for i in order])

    def test_the_search_of_one_takes_fifteen_milliseconds(self):
        self.bus.devices = self.devices[:1]
        began_us = now_us()
        self.assertEqual(len(self.wire.scan()), 1)
        self.assertEqual(now_us() - began_us, 960 + (8 + 3 * 64) * 70)

    def test_who_is_gone_is_not_found(self):
        self.devices[1].present = False
        self.assertEqual(len(self.wire.scan()), 3)
        self.bus.devices = []
        self.assertEqual(self.wire.scan(), [])
        self.assertFalse(self.wire.reset())
        self.assertRaises(OneWireError, lambda: self.wire.reset(True))
        self.assertEqual(self.wire.readbyte(), 0xFF)

    def test_who_goes_during_the_search_ends_it(self):
        def gone(bit, write=self.bus.write_bit):
            write(bit)
            if self.devices[0]._step == "search":
                self.bus.devices = []

        self.bus.write_bit = gone
        self.assertEqual(self.wire.scan(), [])

    def test_only_who_was_selected_obeys(self):
        for i in range(2):
            self.wire.select_rom(self.devices[i].rom)
            self.wire.writebyte(10 + i)
        self.assertEqual([device.kept for device in self.devices], [10, 11, 0, 0])
        self.wire.select_rom(self.devices[1].rom)
        self.wire.writebyte(0xBE)
        data = bytearray(2)
        self.wire.readinto(data)
        self.assertEqual(bytes(data), b"\x0b\xff")

    def test_all_obey_at_once_and_their_answers_mix_as_on_the_wire(self):
        self.wire.reset()
        self.wire.write((self.wire.SKIP_ROM, 7))
        self.assertEqual([device.kept for device in self.devices], [7, 7, 7, 7])
        self.devices[2].kept = 5
        self.wire.reset()
        self.wire.write((self.wire.SKIP_ROM, 0xBE))
        self.assertEqual(self.wire.readbyte(), 7 & 5)

    def test_a_busy_one_holds_the_wire(self):
        self.devices[3].busy = True
        self.wire.reset()
        self.wire.write((self.wire.SKIP_ROM, 1))
        self.assertEqual(self.wire.readbit(), 0)
        self.devices[3].busy = False
        self.assertEqual(self.wire.readbit(), 1)

    def test_a_single_one_tells_its_number(self):
        self.bus.devices = self.devices[:1]
        self.wire.reset()
        self.wire.writebyte(0x33)
        data = bytearray(8)
        self.wire.readinto(data)
        self.assertEqual(bytes(data), self.devices[0].rom)

    def test_an_unknown_command_selects_nobody(self):
        self.wire.reset()
        self.wire.write((0x01, 7))
        self.assertEqual(self.devices[0].kept, 0)

    def test_a_wire_on_ground_looks_present_reads_zero_and_is_searched_for_seconds(self):
        self.bus.shorted = True
        self.assertTrue(self.wire.reset())
        self.assertEqual(self.wire.readbyte(), 0)
        began_us = now_us()
        self.assertEqual(len(self.wire.scan()), 255)
        self.assertTrue(now_us() - began_us > 3000000)

    def test_a_pin_without_a_bus_is_an_open_wire(self):
        wire = OneWire(Pin(15))
        self.assertFalse(wire.reset())
        wire.writebyte(1)
        self.assertEqual(wire.readbit(), 1)


class Square:
    """High for 300 us, low for 200, from 10 ms on."""

    def level_at(self, us):
        return 1 if us >= 10000 and us % 500 < 300 else 0

    def next_edge_us(self, us):
        if us < 10000:
            return 10000
        return us - us % 500 + (300 if us % 500 < 300 else 500)


class TestSignal(unittest.TestCase):
    def setUp(self):
        self.start_us = now_us()
        self.pin = Pin(14, Pin.IN)
        BENCH.signal(14, self)

    # The square wave, counted from the begin of the test.

    def level_at(self, us):
        return Square().level_at(us - self.start_us)

    def next_edge_us(self, us):
        return self.start_us + Square().next_edge_us(us - self.start_us)

    def test_a_reading_takes_time_and_sees_the_level(self):
        self.assertEqual(self.pin.value(), 0)
        wait_us(10000)
        self.assertEqual([self.pin.value() for _ in range(100)], [1] * 58 + [0] * 40 + [1] * 2)
        self.assertEqual(now_us() - self.start_us, 10505)

    def test_a_pulse_is_timed_from_its_edge(self):
        self.assertEqual(time_pulse_us(self.pin, 1), 300)
        self.assertEqual(time_pulse_us(self.pin, 0), 200)
        wait_us(100)
        self.assertEqual(time_pulse_us(self.pin, 1), 200)

    def test_times_out_while_waiting_and_while_measuring(self):
        self.assertEqual(time_pulse_us(self.pin, 1, 9000), -2)
        self.assertEqual(now_us() - self.start_us, 9000)
        self.assertEqual(time_pulse_us(self.pin, 0, 500), -1)
        self.assertEqual(time_pulse_us(Pin(15, Pin.IN), 0, 100), -1)

    def test_what_a_story_drives_comes_first(self):
        BENCH.set_input(14, 1)
        self.assertEqual(self.pin.value(), 1)
        BENCH.set_input(14, None)
        self.assertEqual(self.pin.value(), 0)


if __name__ == "__main__":
    unittest.main()
