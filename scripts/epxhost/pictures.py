"""Pictures of one-bit displays as PNG files: for documents, and to compare with."""

import pathlib

from PIL import Image

# Page by page, a byte per column, bit 0 on top: as the display's RAM.
Picture = bytes

_SCALE = 4


def to_image(picture: Picture, width: int = 128, scale: int = _SCALE) -> Image.Image:
    """White on black, each pixel a square of scale x scale."""
    height = len(picture) * 8 // width
    image = Image.new("1", (width, height))
    for i, column in enumerate(picture):
        for bit in range(8):
            if column >> bit & 1:
                image.putpixel((i % width, i // width * 8 + bit), 1)
    return image.resize((width * scale, height * scale), Image.Resampling.NEAREST)


def write_png(path: pathlib.Path, picture: Picture, width: int = 128) -> None:
    to_image(picture, width).save(path, optimize=True)


def read_png(path: pathlib.Path, scale: int = _SCALE) -> Picture:
    """What write_png() wrote."""
    with Image.open(path) as image:
        small = image.convert("1").resize(
            (image.width // scale, image.height // scale), Image.Resampling.NEAREST
        )
    picture = bytearray(small.width * small.height // 8)
    for y in range(small.height):
        for x in range(small.width):
            if small.getpixel((x, y)):
                picture[y // 8 * small.width + x] |= 1 << y % 8
    return bytes(picture)


def as_text(picture: Picture, width: int = 128) -> str:
    """One line per row, # for a lit pixel."""
    rows = []
    for y in range(len(picture) * 8 // width):
        page = picture[y // 8 * width : (y // 8 + 1) * width]
        rows.append("".join("#" if column >> y % 8 & 1 else "." for column in page))
    return "\n".join(rows)
