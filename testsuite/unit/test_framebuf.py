"""CPython's framebuf draws what MicroPython's draws: same programs, same pixels.

The digests were taken from real MicroPython, where this file passes by definition.
"""

import binascii
import hashlib
import unittest

import framebuf

_WAYS = ("fill", "pixel", "hline", "vline", "rect", "fill_rect", "line", "text", "scroll", "blit")

_DIGESTS = (
    ("a294eadf2526", "5d47360829f1"),
    ("7bcfdaecc55a", "1cc9a6095b5c"),
    ("bc897072d2c2", "dd530532ec32"),
    ("8b8cc8e3d500", "c584da525f5d"),
    ("f93f82c31296", "0ed26a2e9463"),
    ("5ccdaec67926", "b47dab673843"),
    ("8c9658630b2a", "236bf471995b"),
    ("ea0f8aaf79de", "3d1b1244ba6a"),
    ("a294eadf2526", "3abc91c99333"),
    ("2e1c0cb46c67", "69d87131a869"),
    (
        "ca7ab07bffbf",
        "fa662d0becd3",
        "cc89742a18de",
        "127a1b57669a",
        "a9661e850f52",
        "87ba1bf450e1",
        "1f5a66135682",
        "5bf8db7283b3",
    ),
)


class _Dice:
    """The same numbers on every interpreter."""

    def __init__(self, seed):
        self._state = seed

    def __call__(self, low, high):
        self._state = (self._state * 1103515245 + 12345) & 0x7FFFFFFF
        return low + (self._state >> 8) % (high - low + 1)


def _draw(way, frame, sprite, dice, width, height):
    """One random drawing operation; what it answers, if anything."""
    x, y = dice(-20, width + 10), dice(-20, height + 10)
    w, h, c = dice(-5, width + 20), dice(-5, height + 20), dice(-1, 1)
    if way == "fill":
        if dice(0, 9) == 0:
            frame.fill(c)
    elif way == "pixel":
        frame.pixel(x, y, c)
        return frame.pixel(x, y)
    elif way in ("hline", "vline"):
        getattr(frame, way)(x, y, w if way == "hline" else h, c)
    elif way == "rect":
        frame.rect(x, y, w, h, c, dice(0, 3) == 0)
    elif way == "fill_rect":
        frame.fill_rect(x, y, w, h, c)
    elif way == "line":
        frame.line(x, y, dice(-20, width + 20), dice(-20, height + 20), c)
    elif way == "text":
        frame.text("".join([chr(dice(1, 260)) for _ in range(dice(0, 14))]), x, y, c)
    elif way == "scroll":
        frame.scroll(dice(-10, 10), dice(-10, 10))
    else:
        sprite.fill(0)
        sprite.text("aB", dice(-3, 5), dice(-3, 3))
        frame.blit(sprite, x, y, dice(-1, 1))
    return None


def digest(ways, seed, width, height, stride):
    """Run 80 random operations; the start of the SHA-256 of frame and answers."""
    dice = _Dice(seed)
    memory = bytearray((height + 7) // 8 * stride + 1)
    frame = framebuf.FrameBuffer(memoryview(memory)[1:], width, height, framebuf.MONO_VLSB, stride)
    sprite = framebuf.FrameBuffer(bytearray(24), 12, 10, framebuf.MONO_VLSB)
    answers = []
    for _ in range(80):
        way = ways[dice(0, len(ways) - 1)]
        answers.append(str(_draw(way, frame, sprite, dice, width, height)))
    answers = "".join(answers).encode()
    return binascii.hexlify(hashlib.sha256(bytes(memory) + answers).digest())[:12].decode()


class TestFrameBuffer(unittest.TestCase):
    def test_each_operation_draws_the_pixels_of_micropython(self):
        for i in range(len(_WAYS)):
            found = (
                digest((_WAYS[i],), i, 128, 64, 129),
                digest(("line", _WAYS[i]), i + 50, 20, 13, 20),
            )
            self.assertEqual(found, _DIGESTS[i])

    def test_all_operations_together_draw_the_pixels_of_micropython(self):
        found = tuple([digest(_WAYS, seed, 37 + seed, 30 + seed, 60) for seed in range(8)])
        self.assertEqual(found, _DIGESTS[-1])

    def test_a_pixel_outside_the_frame_is_none(self):
        frame = framebuf.FrameBuffer(bytearray(8), 8, 8, framebuf.MONO_VLSB)
        self.assertIsNone(frame.pixel(8, 0))
        self.assertIsNone(frame.pixel(0, -1))
        self.assertEqual(frame.pixel(7, 7), 0)

    def test_a_buffer_too_small_for_the_frame_is_refused(self):
        with self.assertRaises(ValueError):
            framebuf.FrameBuffer(bytearray(7), 8, 8, framebuf.MONO_VLSB)
        with self.assertRaises(ValueError):
            framebuf.FrameBuffer(bytearray(8), 0, 8, framebuf.MONO_VLSB)

    def test_text_ends_at_a_zero_character(self):
        frame = framebuf.FrameBuffer(bytearray(16), 16, 8, framebuf.MONO_VLSB)
        frame.text("\0A", 0, 0)
        self.assertEqual(frame.pixel(9, 1), 0)


if __name__ == "__main__":
    unittest.main()
