import base64
import io
import random
import struct
import zlib
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pictures.filters import Filter
from pictures.pictures import FORMATS, MAX_PIXELS, PictureError, decode_picture, thumbnails_of

ORIENTATION = 0x0112


def encoded(picture: Image.Image, format_: str = "PNG", **options: Any) -> str:
    out = io.BytesIO()
    picture.save(out, format_, **options)
    return base64.b64encode(out.getvalue()).decode()


def noise(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """The hardest picture to make small."""
    size = width * height * len(mode)
    return Image.frombytes(mode, (width, height), random.Random(1).randbytes(size))


def opened(data: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(data)))


def png_header(width: int, height: int) -> str:
    """The beginning of a PNG that claims a size and has no pixels."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return base64.b64encode(
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + body
        + struct.pack(">I", zlib.crc32(body))
        + struct.pack(">I", 0)
        + b"IDAT"
        + struct.pack(">I", zlib.crc32(b"IDAT"))
    ).decode()


@pytest.mark.parametrize("format_", FORMATS)
def test_each_format_is_decoded_to_its_size(format_: str) -> None:
    original = decode_picture(encoded(Image.new("RGB", (60, 40), "teal"), format_), 64)
    assert (original.width, original.height, original.format) == (60, 40, format_)


@pytest.mark.parametrize("text", ["", "*", "not base64!", "aGVsbG8", "é"])
def test_what_is_not_base64_or_empty_is_refused(text: str) -> None:
    with pytest.raises(PictureError):
        decode_picture(text, 64)


def test_a_data_address_is_refused_with_the_reason() -> None:
    with pytest.raises(PictureError, match="without the prefix"):
        decode_picture("data:image/png;base64," + encoded(Image.new("RGB", (2, 2))), 64)


def test_what_is_no_picture_is_refused_with_the_formats() -> None:
    with pytest.raises(PictureError, match=r"no picture in one of the formats JPEG, PNG"):
        decode_picture(base64.b64encode(b"hello, world").decode(), 64)


def test_formats_that_start_other_programs_are_no_pictures() -> None:
    with pytest.raises(PictureError, match="no picture"):
        decode_picture(encoded(Image.new("RGB", (2, 2)), "EPS"), 64)


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
def test_a_picture_cut_off_is_damaged(format_: str) -> None:
    raw = base64.b64decode(encoded(noise(64, 64), format_))
    with pytest.raises(PictureError):
        decode_picture(base64.b64encode(raw[: len(raw) // 2]).decode(), 64)


@pytest.mark.parametrize("width", [MAX_PIXELS // 4000 + 1, 30_000, 100_000])
def test_a_decompression_bomb_is_refused_before_it_goes_off(width: int) -> None:
    # 40 to 90 megapixels: ours to refuse; to 179: Pillow warns; beyond: Pillow refuses.
    with pytest.raises(PictureError, match="40,000,000"):
        decode_picture(png_header(width, 4000), 64)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_stands_upright_whichever_way_the_camera_was_held(orientation: int) -> None:
    upright = Image.new("RGB", (300, 200), "white")
    upright.paste("red", (0, 0, 60, 60))  # the corner at the top left
    turned = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    stored = upright if turned is None else upright.transpose(turned)
    original = decode_picture(encoded(stored, "JPEG", exif=exif, quality=95), 20)
    assert (original.width, original.height) == (300, 200)
    made = opened(next(thumbnails_of(original, [60], ["original"])).data).convert("RGB")
    assert made.size == (60, 40)
    red, green, blue = made.getpixel((4, 4))  # type: ignore[misc]
    assert red > 200
    assert max(green, blue) < 90


def test_a_large_photo_is_decoded_small_but_reported_whole() -> None:
    original = decode_picture(encoded(Image.new("RGB", (4000, 3000)), "JPEG"), 96)
    assert (original.width, original.height) == (4000, 3000)
    assert original.pixels.width < 1000


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_modes_of_colour_are_all_understood(mode: str) -> None:
    original = decode_picture(encoded(Image.new(mode, (8, 8))), 64)
    assert original.pixels.mode == ("RGBA" if mode in ("LA", "RGBA") else "RGB")


def test_cmyk_photos_become_rgb() -> None:
    assert decode_picture(encoded(Image.new("CMYK", (8, 8)), "JPEG"), 64).pixels.mode == "RGB"


def test_sixteen_bits_of_grey_are_scaled_not_cut_off() -> None:
    original = decode_picture(encoded(Image.new("I;16", (8, 8), 32_768)), 64)
    assert original.pixels.getpixel((0, 0)) == (128, 128, 128)


def test_transparency_survives() -> None:
    picture = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
    picture.paste((255, 0, 0, 255), (32, 0, 64, 64))
    made = opened(next(thumbnails_of(decode_picture(encoded(picture), 32), [32], ["sepia"])).data)
    assert made.mode == "RGBA"
    assert [made.getpixel((x, 16))[3] for x in (2, 30)] == [0, 255]  # type: ignore[index]


def test_there_is_one_for_each_size_and_filter_and_none_is_enlarged() -> None:
    original = decode_picture(encoded(Image.new("RGB", (100, 50), "olive")), 200)
    made = list(thumbnails_of(original, [200, 20], ["original", "blur"]))
    assert [(one.size, one.filter, one.width, one.height) for one in made] == [
        (200, "original", 100, 50),
        (200, "blur", 100, 50),
        (20, "original", 20, 10),
        (20, "blur", 20, 10),
    ]


def test_what_is_said_of_a_thumbnail_is_true() -> None:
    made = next(thumbnails_of(decode_picture(encoded(noise(90, 60)), 64), [48], ["edges"]))
    assert opened(made.data).size == (made.width, made.height) == (48, 32)
    assert len(base64.b64decode(made.data)) == made.bytes
    assert (opened(made.data).format, made.media_type) == ("WEBP", "image/webp")


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("name", ["original", "edges"])
def test_even_noise_fits_into_a_chunk(mode: str, name: Filter) -> None:
    made = next(thumbnails_of(decode_picture(encoded(noise(1024, 1024, mode)), 1024), [1024], [name]))
    assert len(msgspec.json.encode(made)) < 60_000


def test_nothing_of_the_files_metadata_comes_along() -> None:
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    text = encoded(Image.new("RGB", (64, 64)), "JPEG", exif=exif, icc_profile=b"profile" * 9)
    made = opened(next(thumbnails_of(decode_picture(text, 64), [32], ["original"])).data)
    assert not made.getexif()
    assert "icc_profile" not in made.info


@settings(max_examples=300)
@given(st.sampled_from(FORMATS), st.data())
def test_damage_never_surfaces_as_anything_but_a_picture_error(format_: str, data: st.DataObject) -> None:
    raw = bytearray(base64.b64decode(encoded(noise(16, 16), format_)))
    places = st.lists(st.tuples(st.integers(0, len(raw) - 1), st.integers(0, 255)), max_size=8)
    for place, byte in data.draw(places):
        raw[place] = byte
    try:
        original = decode_picture(base64.b64encode(raw).decode(), 64)
        next(thumbnails_of(original, [32], ["original"]))
    except PictureError:
        pass
