"""The label on a parcel: a picture with the order's number as a bar code."""

import base64
import hashlib
import io
from typing import Final

from PIL import Image, ImageDraw, ImageFont

SIZE: Final = (480, 240)
"""Pixels: three inches by one and a half, at 160 dots an inch."""

NARROW: Final = 2
"""Pixels of a narrow bar; a wide one has two and a half times as many."""
WIDE: Final = 5

CODE_39: Final = {
    "0": "000110100", "1": "100100001", "2": "001100001", "3": "101100000", "4": "000110001",
    "5": "100110000", "6": "001110000", "7": "000100101", "8": "100100100", "9": "001100100",
    "A": "100001001", "B": "001001001", "C": "101001000", "D": "000011001", "E": "100011000",
    "F": "001011000", "*": "010010100",
}  # fmt: skip
"""Nine bars and spaces a character, bar first; 1 is wide. Source: ISO/IEC 16388:2007, table 1."""


def label(order: str, item: str, quantity: int) -> str:
    """Return the label of an order as a PNG in base64; the same each time."""
    number = hashlib.sha256(order.encode()).hexdigest()[:10].upper()
    picture = Image.new("1", SIZE, 1)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((4, 4, SIZE[0] - 5, SIZE[1] - 5), outline=0, width=2)
    draw.text((20, 16), "TIDINGS TEA HOUSE", fill=0, font=ImageFont.load_default(22))
    draw.text((20, 48), f"{quantity} x {item}", fill=0, font=ImageFont.load_default(28))
    draw_bars(draw, f"*{number}*", 20, 96, 90)
    draw.text((20, 196), number, fill=0, font=ImageFont.load_default(22))
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return base64.b64encode(out.getvalue()).decode()


def draw_bars(draw: ImageDraw.ImageDraw, text: str, x: int, y: int, height: int) -> int:
    """Draw a text as Code 39; return where it ends, px."""
    for character in text:
        for at, wide in enumerate(CODE_39[character]):
            width = WIDE if wide == "1" else NARROW
            if at % 2 == 0:
                draw.rectangle((x, y, x + width - 1, y + height - 1), fill=0)
            x += width
        x += NARROW  # the gap between characters
    return x
