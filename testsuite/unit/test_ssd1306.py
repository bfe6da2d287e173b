"""The driver of the display, against a model of the chip's command decoder and RAM."""

import errno
import unittest

import micropython

from testmock.models.ssd1306 import SSD1306 as Model
from third.ssd1306 import SSD1306


class Bus:
    """What the driver uses of machine.I2C; breaks after `left` transfers."""

    def __init__(self, model):
        self.model = model
        self.left = 1000000
        self.sent = []

    def writeto(self, address, data):
        if address != 0x3C or not self.left:
            raise OSError(errno.ENODEV)
        self.left -= 1
        self.sent.append(len(data))
        self.model.i2c_write(bytes(data))


class SilentBus:
    def writeto(self, address, data):
        pass


class TestDriver(unittest.TestCase):
    def setUp(self):
        self.model = Model()
        self.bus = Bus(self.model)
        self.screen = SSD1306(self.bus)
        self.tops = []  # of the pages that were drawn
        self.picture = []  # of calls of fill_rect
        self.label = ""

    def draw(self, frame, top):
        self.tops.append(top)
        for x, y, width, height in self.picture:
            frame.fill_rect(x, y - top, width, height, 1)
        frame.text(self.label, 8, 8 - top)

    def show(self):
        """Send what is due; the numbers of the transfers: 0 set-up, 1 .. 8 pages, 9 light."""
        numbers = []
        while self.screen.dirty:
            before = self.screen.dirty & 0x3FF
            self.screen.send(self.draw)
            numbers.append([1 << i for i in range(10)].index(before & ~self.screen.dirty))
        return numbers

    def light_up(self):
        self.screen.dirty = -1
        self.show()
        self.bus.sent.clear()
        self.tops.clear()

    def test_at_first_everything_is_sent_and_no_command_is_wrong(self):
        self.assertEqual(self.show(), list(range(10)))
        self.assertTrue(self.model.is_lit())
        self.assertEqual(self.model.bad, [])
        self.assertEqual(self.model.picture(), bytes(1024))

    def test_is_dark_until_every_page_has_been_sent(self):
        for _ in range(9):
            self.screen.send(self.draw)
        self.assertFalse(self.model.is_lit())
        self.screen.send(self.draw)
        self.assertTrue(self.model.is_lit())
        self.assertEqual(self.screen.dirty, 0)

    def test_what_is_drawn_comes_out_in_its_place(self):
        self.picture = [(0, 0, 1, 1), (127, 63, 1, 1), (60, 13, 2, 25)]
        self.light_up()
        for y in range(64):
            wanted = ["."] * 128
            for x in (60, 61) if 13 <= y < 38 else (0,) if not y else (127,) if y == 63 else ():
                wanted[x] = "#"
            self.assertEqual(self.model.rows()[y], "".join(wanted))

    def test_text_is_upright(self):
        self.label = "L"
        self.light_up()
        rows = [row[8:16] for row in self.model.rows()[8:16]]
        self.assertEqual(rows[0], ".##.....")
        self.assertEqual(rows[6], ".######.")

    def test_only_the_pages_that_are_due_are_drawn_and_sent(self):
        self.light_up()
        self.picture = [(0, 0, 128, 64)]
        self.screen.dirty = 0x110
        self.assertEqual(self.show(), [4, 8])
        self.assertEqual(self.tops, [24, 56])
        rows = self.model.rows()
        self.assertEqual(rows[24:32] + rows[56:], ["#" * 128] * 16)
        self.assertEqual("".join(rows).count("#"), 16 * 128)

    def test_a_page_is_drawn_anew(self):
        self.picture = [(3, 0, 1, 64)]
        self.light_up()
        self.picture = []
        self.screen.dirty = 0x1FE
        self.show()
        self.assertEqual(self.model.picture(), bytes(1024))

    def test_when_nothing_is_due_nothing_is_sent(self):
        self.light_up()
        self.screen.send(self.draw)
        self.assertEqual((self.bus.sent, self.tops, self.screen.dirty), ([], [], 0))

    def test_a_page_is_one_transfer(self):
        self.light_up()
        self.screen.dirty = 0x1FE
        self.show()
        self.assertEqual(self.bus.sent, [135] * 8)

    def test_a_transfer_that_failed_is_still_due(self):
        self.light_up()
        self.screen.dirty = 0x1FE
        self.bus.left = 1
        self.screen.send(self.draw)
        with self.assertRaises(OSError):
            self.screen.send(self.draw)
        self.bus.left = 100
        self.assertEqual(self.show(), [2, 3, 4, 5, 6, 7, 8])

    def test_a_set_up_that_failed_is_still_due(self):
        self.bus.left = 0
        with self.assertRaises(OSError):
            self.screen.send(self.draw)
        self.bus.left = 100
        self.assertEqual(self.show(), list(range(10)))

    def test_a_display_that_lost_its_power_shows_the_same_afterwards(self):
        self.label = "water"
        self.light_up()
        before = self.model.picture()
        self.model.power_on()
        self.light_up()
        self.assertEqual(self.model.picture(), before)

    def test_a_display_at_the_other_address_can_be_used(self):
        self.screen.address = 0x3D
        with self.assertRaises(OSError):
            self.screen.send(self.draw)  # This one is at 3Ch.

    def test_drawing_and_sending_allocate_nothing(self):
        if not hasattr(micropython, "heap_lock"):
            self.skipTest("CPython")
        screen = SSD1306(SilentBus())
        screen.send(_draw_digit)  # The instance gets its own dirty.
        micropython.heap_lock()
        try:
            while screen.dirty:
                screen.send(_draw_digit)
        finally:
            micropython.heap_unlock()


def _draw_digit(frame, top):
    frame.text("1", 20, 24 - top, 1)


class TestModel(unittest.TestCase):
    def setUp(self):
        self.model = Model()

    def commands(self, *values):
        self.model.i2c_write(b"\x00" + bytes(values))

    def light_up(self):
        """On, charge pump, and everything in the power-on orientation."""
        self.commands(0x8D, 0x14, 0xAF)
        self.model.ram[:] = bytes(1024)

    def test_horizontal_addressing_runs_through_a_window(self):
        self.commands(0x20, 0, 0x21, 126, 127, 0x22, 2, 3)
        self.model.i2c_write(b"\x40" + bytes((1, 2, 3, 4, 5)))
        ram = self.model.ram
        self.assertEqual(ram[2 * 128 + 126 : 2 * 128 + 128], bytes((5, 2)))
        self.assertEqual(ram[3 * 128 + 126 : 3 * 128 + 128], bytes((3, 4)))

    def test_vertical_addressing_goes_down_first(self):
        self.commands(0x20, 1, 0x21, 0, 1, 0x22, 6, 7)
        self.model.i2c_write(b"\x40" + bytes((1, 2, 3, 4, 5)))
        ram = self.model.ram
        self.assertEqual((ram[6 * 128], ram[7 * 128]), (5, 2))
        self.assertEqual((ram[6 * 128 + 1], ram[7 * 128 + 1]), (3, 4))

    def test_page_addressing_stays_in_its_page(self):
        self.commands(0xB2, 0x0E, 0x17)
        self.model.i2c_write(b"\x40\x01\x02\x03\x04")
        ram = self.model.ram
        self.assertEqual(ram[2 * 128 + 126 : 3 * 128], b"\x01\x02")
        self.assertEqual(ram[2 * 128 : 2 * 128 + 2], b"\x03\x04")

    def test_a_command_may_come_in_pieces(self):
        for value in (0x81, 0x42):
            self.model.i2c_write(bytes((0x80, value)))
        self.assertEqual(self.model.contrast, 0x42)

    def test_single_data_bytes_and_commands_may_alternate(self):
        self.model.i2c_write(bytes((0x80, 0xB1, 0xC0, 0x11, 0x80, 0x10, 0x40, 0x22)))
        self.assertEqual(self.model.ram[128:130], b"\x11\x22")

    def test_is_dark_until_on_with_its_charge_pump(self):
        self.assertEqual(self.model.i2c_read(1), b"\x40")
        self.commands(0xAF)
        self.assertEqual(self.model.picture(), bytes(1024))
        self.commands(0x8D, 0x14)
        self.assertNotEqual(self.model.picture(), bytes(1024))
        self.assertEqual(self.model.i2c_read(2), b"\x00\x00")

    def test_without_mirroring_the_picture_is_upside_down(self):
        self.light_up()
        self.model.ram[0] = 1
        self.assertEqual(self.model.rows()[63], "." * 127 + "#")
        self.commands(0xA1)
        self.assertEqual(self.model.rows()[63], "#" + "." * 127)
        self.commands(0xC8)
        self.assertEqual(self.model.rows()[0], "#" + "." * 127)

    def test_start_line_offset_multiplex_inverse_and_all_on(self):
        self.light_up()
        self.commands(0xA1, 0xC8, 0x48)
        self.model.ram[128] = 1
        self.assertEqual(self.model.rows()[0][0], "#")
        self.commands(0x40, 0xD3, 8)
        self.assertEqual(self.model.rows()[0][0], "#")
        self.commands(0xD3, 0, 0xA8, 31, 0xA7)
        self.assertEqual(self.model.rows()[0], "#" * 128)
        self.assertEqual(self.model.rows()[8], "." + "#" * 127)
        self.assertEqual(self.model.rows()[32], "." * 128)
        self.commands(0xA5)
        self.assertEqual(self.model.rows()[8], "#" * 128)

    def test_what_is_no_command_is_noted(self):
        self.commands(0x26, 1, 2, 3, 4, 5, 6, 0x2F, 0xE3, 0xF0)
        self.assertEqual(self.model.bad, [0xF0])


if __name__ == "__main__":
    unittest.main()
