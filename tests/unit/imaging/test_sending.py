"""Images on their way to a hosted API: what it takes stays as it is, everything else becomes that, masks are greys."""

import io

import pytest
from PIL import Image

from fluxtune.core.errors import FileRefused
from fluxtune.imaging import can_be_transparent, encode_mask, encode_to_send, sending
from tests.zoo import encode, heic

RED = (250, 10, 20)


def opened(data):
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def near(pixel, expected):
    return all(abs(one - other) <= 12 for one, other in zip(pixel, expected, strict=True))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_what_is_taken_stays_as_it_is(form):
    data = encode(Image.new("RGB", (40, 30), RED), form)
    assert encode_to_send(data) is data


@pytest.mark.parametrize(("form", "becomes"), [
    ("AVIF", "JPEG"), ("HEIF", "JPEG"), ("TIFF", "PNG"), ("BMP", "PNG"), ("GIF", "PNG"),
])  # fmt: skip
def test_other_formats_become_one_that_is_taken(form, becomes):
    image = Image.new("RGB", (40, 30), RED)
    data = heic(image) if form == "HEIF" else encode(image, form)
    sent = opened(encode_to_send(data))
    assert (sent.format, sent.mode, sent.size) == (becomes, "RGB", (40, 30))
    assert near(sent.getpixel((5, 5)), RED)


def test_a_turned_photograph_is_sent_upright():
    image = Image.new("RGB", (40, 30), RED)
    exif = image.getexif()
    exif[0x0112] = 6
    assert opened(encode_to_send(encode(image, "JPEG", exif=exif.tobytes()))).size == (30, 40)


def test_cmyk_becomes_rgb():
    sent = opened(encode_to_send(encode(Image.new("CMYK", (40, 30), (0, 255, 255, 0)), "JPEG")))
    assert sent.mode == "RGB"
    assert near(sent.getpixel((5, 5)), (255, 0, 0))


def test_what_is_clear_becomes_white_unless_it_means_something():
    image = Image.new("RGBA", (40, 30), (*RED, 255))
    image.paste((*RED, 0), (0, 0, 20, 30))
    for form in ("PNG", "TIFF", "AVIF"):
        data = encode(image, form)
        assert can_be_transparent(data)
        assert near(opened(encode_to_send(data)).convert("RGB").getpixel((5, 5)), (255, 255, 255))
        kept = opened(encode_to_send(data, keeps_alpha=True))
        assert (kept.format, kept.mode) == ("PNG", "RGBA")
        assert [kept.getpixel((x, 5))[3] for x in (5, 35)] == [0, 255]
        assert near(kept.getpixel((35, 5))[:3], RED)


def test_clear_parts_turn_with_the_image():
    image = Image.new("RGBA", (40, 30), (*RED, 255))
    image.paste((*RED, 0), (0, 0, 40, 10))
    exif = Image.new("RGB", (1, 1)).getexif()
    exif[0x0112] = 6
    kept = opened(encode_to_send(encode(image, "PNG", exif=exif.tobytes()), keeps_alpha=True))
    assert kept.size == (30, 40)
    assert kept.getpixel((25, 20))[3] == 0, "the upper edge is the right one now"
    assert kept.getpixel((5, 20))[3] == 255


def test_too_many_pixels_are_made_fewer():
    sent = opened(encode_to_send(encode(Image.new("RGB", (80, 40), RED), "PNG"), most_pixels=800))
    assert sent.size == (40, 20)


def test_too_many_bytes_become_a_jpeg(monkeypatch):
    monkeypatch.setattr(sending, "MOST_BYTES", 3000)
    data = encode(Image.effect_noise((64, 64), 90).convert("RGB"), "PNG")
    assert len(data) > 3000
    assert opened(encode_to_send(data)).format == "JPEG"


def test_a_mask_becomes_greys():
    mask = Image.new("RGB", (40, 30))
    mask.paste((255, 255, 255), (0, 0, 20, 30))
    sent = opened(encode_mask(encode(mask, "PNG")))
    assert (sent.format, sent.mode, sent.size) == ("PNG", "L", (40, 30))
    assert [sent.getpixel((x, 5)) for x in (5, 35)] == [255, 0]
    plain = encode(sent, "PNG")
    assert encode_mask(plain) is plain


def test_what_is_clear_in_a_mask_is_black():
    mask = Image.new("RGBA", (40, 30), (255, 255, 255, 0))
    mask.paste((255, 255, 255, 255), (0, 0, 20, 30))
    sent = opened(encode_mask(encode(mask, "PNG")))
    assert [sent.getpixel((x, 5)) for x in (5, 35)] == [255, 0]


@pytest.mark.parametrize("convert", [encode_to_send, encode_mask, can_be_transparent])
def test_what_can_t_be_read_says_why(convert):
    with pytest.raises(FileRefused, match="none of JPEG"):
        convert(b"no image at all")


def test_a_file_cut_short_says_so():
    data = encode(Image.effect_noise((64, 64), 90).convert("RGB"), "TIFF")
    with pytest.raises(FileRefused):
        encode_to_send(data[: len(data) // 2])
