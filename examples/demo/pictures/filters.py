"""The looks that a picture can be given. Each keeps its size and its transparency."""

from collections.abc import Callable, Mapping
from typing import Final, Literal, TypeAlias

from PIL import Image, ImageFilter, ImageOps

Filter: TypeAlias = Literal["original", "grayscale", "sepia", "edges", "blur", "posterize"]
"""The name of a look."""

POSTERIZE_BITS: Final = 3
"""Bits a channel keeps: 8 levels of each colour."""

BLUR_SHARE: Final = 1 / 40
"""Radius of the blur as a share of the longer edge."""


def apply_filter(name: Filter, picture: Image.Image) -> Image.Image:
    """Return the picture with a look.

    Args:
        name: which look.
        picture: of mode RGB or RGBA; it is not changed.

    """
    looked = _FILTERS[name](picture.convert("RGB"))
    if "A" in picture.getbands():
        looked.putalpha(picture.getchannel("A"))
    return looked


def _original(picture: Image.Image) -> Image.Image:
    return picture


def _grayscale(picture: Image.Image) -> Image.Image:
    return ImageOps.grayscale(picture).convert("RGB")


def _sepia(picture: Image.Image) -> Image.Image:
    return ImageOps.colorize(ImageOps.grayscale(picture), black="#1c0f00", mid="#a8825a", white="#fff3dc")


def _edges(picture: Image.Image) -> Image.Image:
    edges = ImageOps.grayscale(picture).filter(ImageFilter.FIND_EDGES)
    return ImageOps.autocontrast(edges).convert("RGB")


def _blur(picture: Image.Image) -> Image.Image:
    return picture.filter(ImageFilter.GaussianBlur(max(1.0, max(picture.size) * BLUR_SHARE)))


def _posterize(picture: Image.Image) -> Image.Image:
    return ImageOps.posterize(picture, POSTERIZE_BITS)


_FILTERS: Final[Mapping[Filter, Callable[[Image.Image], Image.Image]]] = {
    "original": _original,
    "grayscale": _grayscale,
    "sepia": _sepia,
    "edges": _edges,
    "blur": _blur,
    "posterize": _posterize,
}
