"""A picture in small: decoded with care, made smaller, given a look, and encoded to fit a log chunk."""

import base64
import binascii
import dataclasses
import io
import math
from collections.abc import Iterable, Iterator
from typing import Final

from PIL import Image, ImageOps

from pictures.filters import Filter, apply_filter

FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
"""What is decoded: what browsers show. Pillow knows more, some of which start other programs (EPS)."""

MAX_PIXELS: Final = 40_000_000
"""The largest picture that is decoded, pixels: 160 MB in memory at 4 bytes each."""

MAX_DATA_CHARS: Final = 59_000
"""The longest base64 of one picture: with its other fields it must fit into a chunk of 60,000 bytes."""

QUALITIES: Final = (82, 60, 35, 12)
"""The WebP qualities (0..100) tried in turn until a picture fits."""

SHRINK: Final = 0.9
"""What the edges are multiplied with, or less, where even the lowest quality is too large."""


class PictureError(ValueError):
    """The picture cannot be worked on; the message says why, for the client that sent it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Original:
    """A decoded picture."""

    pixels: Image.Image
    """Upright, of mode RGB or RGBA; may be smaller than the file's, if that was asked for."""
    width: int
    """The file's width when upright, pixels."""
    height: int
    """The file's height when upright, pixels."""
    format: str
    """Pillow's name of the file's format, such as "JPEG"."""


@dataclasses.dataclass(frozen=True, slots=True)
class Thumbnail:
    """One picture made: a log chunk of less than 60,000 bytes."""

    size: int
    """The size asked for: at most so many pixels along the longer edge."""
    filter: Filter
    width: int
    height: int
    bytes: int
    """Bytes of the encoded picture, before base64."""
    media_type: str
    data: str
    """The encoded picture in base64."""


@dataclasses.dataclass(frozen=True, slots=True)
class Summary:
    """What was made of a picture."""

    name: str
    width: int
    """Of the original when upright, pixels."""
    height: int
    format: str
    made: int
    """How many pictures."""
    bytes: int
    """The sum of their encoded bytes, before base64."""


def decode_picture(text: str, largest: int) -> Original:
    """Decode a picture. Of an animation, the first frame.

    Args:
        text: the file's bytes in base64, without a `data:` prefix.
        largest: pixels along the longer edge that will be asked of it at most; large JPEGs are then
            decoded at a fraction of their size, which saves most of the time and memory.

    Raises:
        PictureError: it is not base64, not a picture of `FORMATS`, damaged, or of more than
            `MAX_PIXELS` pixels.

    """
    image = _open(_decode_base64(text))
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise PictureError(f"the picture has {width} x {height} pixels; it may have {MAX_PIXELS:,} at most")
    try:
        image.draft(None, (2 * largest, 2 * largest))  # twice as large: resizing then has enough to average
        if _lies_on_its_side(image):
            width, height = height, width
        pixels = _as_colours(ImageOps.exif_transpose(image))
    except Exception as error:  # damaged files make Pillow's decoders raise almost anything
        raise PictureError(f"the picture is damaged: {error}") from error
    return Original(pixels, width, height, image.format or "")


def thumbnails_of(original: Original, sizes: Iterable[int], filters: Iterable[Filter]) -> Iterator[Thumbnail]:
    """Yield one picture for each size and filter, size by size. Nothing is made larger than it was."""
    filters = tuple(filters)
    for size in sizes:
        small = original.pixels.copy()
        small.thumbnail((size, size), Image.Resampling.LANCZOS)
        for name in filters:
            yield _thumbnail(size, name, apply_filter(name, small))


def _decode_base64(text: str) -> bytes:
    if text.startswith("data:"):
        raise PictureError("the image must be base64 alone, without the prefix data:…;base64,")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise PictureError(f"the image is not base64: {error}") from error


def _open(raw: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(raw), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        # The warning only where warnings are errors; without, the caller's check refuses it.
        raise PictureError(f"the picture has more than {MAX_PIXELS:,} pixels: too many") from error
    except Exception as error:  # see decode_picture
        raise PictureError(f"this is no picture in one of the formats {', '.join(FORMATS)}") from error


def _lies_on_its_side(image: Image.Image) -> bool:
    return image.getexif().get(0x0112) in (5, 6, 7, 8)  # Orientation: turned by 90° (Exif 2.32, 4.6.4 A)


def _as_colours(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits of grey: convert() alone would cut them off at 255
        image = image.convert("F").point(lambda grey: grey * (1 / 256) + 0).convert("L")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _thumbnail(size: int, name: Filter, image: Image.Image) -> Thumbnail:
    raw, image = _encode(image)
    return Thumbnail(
        size=size,
        filter=name,
        width=image.width,
        height=image.height,
        bytes=len(raw),
        media_type="image/webp",
        data=base64.b64encode(raw).decode("ascii"),
    )


def _encode(image: Image.Image) -> tuple[bytes, Image.Image]:
    """Return the picture as WebP, as good as it may be to fit, and as it was encoded."""
    raw = b""
    for quality in QUALITIES:
        raw = _webp(image, quality)
        if _fits(raw):
            return raw, image
    while not _fits(raw):
        # Bytes go with the area, or a little slower.
        share = min(SHRINK, math.sqrt(MAX_DATA_CHARS / _chars(raw)))
        smaller = (max(1, int(image.width * share)), max(1, int(image.height * share)))
        image = image.resize(smaller, Image.Resampling.LANCZOS)
        raw = _webp(image, QUALITIES[-1])
    return raw, image


def _fits(raw: bytes) -> bool:
    return _chars(raw) <= MAX_DATA_CHARS


def _chars(raw: bytes) -> int:
    return 4 * ((len(raw) + 2) // 3)  # base64, without making it


def _webp(image: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    # The profile would come along from the file, and may be of any size.
    image.save(out, "WEBP", quality=quality, alpha_quality=quality, method=4, icc_profile=b"")
    return out.getvalue()
