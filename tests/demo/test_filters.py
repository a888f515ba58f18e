from typing import get_args

import pytest
from PIL import Image, ImageStat

from pictures.filters import Filter, apply_filter

EVERY: tuple[Filter, ...] = get_args(Filter)


def gradient(mode: str = "RGB") -> Image.Image:
    grey = Image.linear_gradient("L").resize((64, 48))
    picture = Image.merge("RGB", (grey, grey.transpose(Image.Transpose.FLIP_LEFT_RIGHT), grey.rotate(180)))
    if mode == "RGBA":
        picture.putalpha(grey)
    return picture


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_look_keeps_size_mode_transparency_and_the_original(name: Filter, mode: str) -> None:
    picture = gradient(mode)
    before = picture.tobytes()
    looked = apply_filter(name, picture)
    assert (looked.size, looked.mode) == (picture.size, mode)
    assert picture.tobytes() == before
    if mode == "RGBA":
        assert looked.getchannel("A").tobytes() == picture.getchannel("A").tobytes()


def test_the_looks_differ_from_each_other() -> None:
    assert len({apply_filter(name, gradient()).tobytes() for name in EVERY}) == len(EVERY)


def test_original_changes_nothing() -> None:
    assert apply_filter("original", gradient()).tobytes() == gradient().tobytes()


def test_grayscale_has_no_colour() -> None:
    red, green, blue = apply_filter("grayscale", gradient()).split()
    assert red.tobytes() == green.tobytes() == blue.tobytes()


def test_sepia_is_brown() -> None:
    red, green, blue = ImageStat.Stat(apply_filter("sepia", Image.new("RGB", (8, 8), "gray"))).mean
    assert red > green > blue


def test_posterize_leaves_few_colours() -> None:
    colours = apply_filter("posterize", gradient()).getchannel("R").getcolors()
    assert colours is not None
    assert len(colours) <= 8


def test_blur_lowers_contrast() -> None:
    picture = Image.new("RGB", (40, 40))
    picture.paste("white", (0, 0, 20, 40))
    sharp, soft = (ImageStat.Stat(apply_filter(name, picture)).stddev[0] for name in ("original", "blur"))
    assert soft < sharp


def test_edges_are_bright_where_the_picture_changes() -> None:
    picture = Image.new("RGB", (40, 40))
    picture.paste("white", (0, 0, 20, 40))
    edges = apply_filter("edges", picture)
    assert edges.getpixel((20, 20)) == (255, 255, 255) or edges.getpixel((19, 20)) == (255, 255, 255)
    assert edges.getpixel((10, 20)) == (0, 0, 0)
