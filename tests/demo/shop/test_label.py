import base64
import io

from PIL import Image, ImageDraw

from shop.label import CODE_39, NARROW, SIZE, WIDE, draw_bars, label


def scan(picture: Image.Image, y: int) -> str:
    """Read Code 39 as a scanner does: from the lengths of black and white along a line."""
    row = [picture.getpixel((x, y)) == 0 for x in range(20, SIZE[0] - 20)]
    runs: list[tuple[bool, int]] = []
    for black in row:
        runs = [*runs[:-1], (black, runs[-1][1] + 1)] if runs and runs[-1][0] == black else [*runs, (black, 1)]
    while not runs[-1][0]:
        runs.pop()
    wide = ["1" if length >= WIDE else "0" for _, length in runs]
    patterns = ["".join(wide[at : at + 9]) for at in range(0, len(wide), 10)]  # the tenth is the gap
    return "".join(next(letter for letter, bars in CODE_39.items() if bars == pattern) for pattern in patterns)


def test_the_label_is_a_picture_whose_bars_say_the_number_below_them() -> None:
    picture = Image.open(io.BytesIO(base64.b64decode(label("orders.1", "kettle", 2))))
    assert picture.size == SIZE
    text = scan(picture, 140)
    assert text[0] == text[-1] == "*"
    assert len(text) == 12
    assert set(text[1:-1]) <= set("0123456789ABCDEF")


def test_a_label_is_the_same_each_time_and_another_for_another_order() -> None:
    assert label("a", "kettle", 2) == label("a", "kettle", 2) != label("b", "kettle", 2)


def test_every_character_is_three_wide_of_nine() -> None:
    draw = ImageDraw.Draw(Image.new("1", (100, 10), 1))
    for letter, bars in CODE_39.items():
        assert (len(bars), bars.count("1")) == (9, 3)
        assert draw_bars(draw, letter, 0, 0, 5) == 3 * WIDE + 6 * NARROW + NARROW
