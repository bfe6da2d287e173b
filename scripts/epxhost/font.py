"""Reads the 8x8 font out of a real MicroPython, for the framebuf that CPython gets.

The characters are drawn one by one into a frame and read back, so the mock's text is
pixel for pixel that of a board.
"""

import pathlib
import subprocess
import sys

from epxhost.errors import ToolError

OUTPUT = pathlib.Path(__file__).parents[2] / "testmock" / "cpython" / "font8x8.py"

_DRAW = """
import binascii, framebuf
buffer = bytearray(8)
frame = framebuf.FrameBuffer(buffer, 8, 8, framebuf.MONO_VLSB)
for code in range(32, 128):
    frame.fill(0)
    frame.text(bytes((code,)), 0, 0, 1)
    print(binascii.hexlify(buffer).decode())
"""

_HEADER = '''"""The font of MicroPython's framebuf: written by scripts/make_font, do not edit.

GLYPHS[code] is eight bytes, one per column, bit 0 on top; codes below 32 look like 127.
"""

_HEX = (
'''

_FOOTER = """)

GLYPHS = [bytes.fromhex(_HEX[95])] * 32 + [bytes.fromhex(columns) for columns in _HEX]
"""


def glyphs(interpreter: list[str]) -> list[str]:
    """Draw characters 32 to 127 on interpreter; 16 hex digits each."""
    result = subprocess.run(
        [*interpreter, "-c", _DRAW], capture_output=True, text=True, timeout=30, check=False
    )
    lines = result.stdout.split()
    if result.returncode or len(lines) != 96:
        raise ToolError(f"{interpreter[0]} did not draw the font: {result.stderr.strip()}")
    return lines


def source(lines: list[str]) -> str:
    """The text of font8x8.py."""
    rows = []
    for code, columns in enumerate(lines, 32):
        name = f"  # {chr(code)}" if 32 < code < 127 else ""
        rows.append(f'    "{columns}",{name}\n')
    return _HEADER + "".join(rows) + _FOOTER


def main() -> int:
    """Door of scripts/make_font: write font8x8.py with the MicroPython that is there."""
    from epxhost import toolchain

    interpreter = toolchain.micropython64()
    try:
        if interpreter is None:
            raise ToolError(f"no MicroPython to read the font from: {toolchain.why_not()}")
        OUTPUT.write_text(source(glyphs(interpreter)))
    except ToolError as error:
        print(f"make_font: {error}", file=sys.stderr)
        return 1
    print(OUTPUT)
    return 0
