"""Decoding what people upload."""

import io

import pytest
from PIL import Image, ImageCms

from fluxtune.core.errors import FileRefused
from fluxtune.imaging import ImageBroken, ImageEmpty, ImageTooManyPixels, NotAnImage, decode, normalise
from tests.zoo import drawing, encode, picture, png_bomb

RED = (250, 10, 20)


def red(mode="RGB", size=(40, 30)):
    return Image.new("RGB", size, RED).convert(mode)


def near(pixel, expected, tolerance=12):
    return all(abs(one - other) <= tolerance for one, other in zip(pixel, expected, strict=True))


class TestFormats:
    @pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF"])
    def test_reads_every_accepted_format(self, form):
        decoded = decode(encode(red(), form))
        assert decoded.format == form
        assert (decoded.width, decoded.height) == (40, 30)
        assert decoded.pixels.mode == "RGB"
        assert near(decoded.pixels.getpixel((20, 15)), RED)

    def test_takes_the_first_frame_of_an_animation(self):
        data = encode(red(), "GIF", save_all=True, append_images=[Image.new("RGB", (40, 30), "blue")])
        assert near(decode(data).pixels.getpixel((5, 5)), RED)

    def test_hash_and_size_are_those_of_the_file(self):
        import hashlib

        data = picture(1)
        decoded = decode(data)
        assert decoded.sha256 == hashlib.sha256(data).hexdigest()
        assert decoded.byte_count == len(data)


class TestColour:
    @pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "1", "CMYK", "YCbCr"])
    def test_every_mode_becomes_rgb(self, mode):
        form = "JPEG" if mode in ("CMYK", "YCbCr") else "PNG"
        image = red("RGB").convert(mode)
        assert decode(encode(image, form)).pixels.mode == "RGB"

    def test_16_bit_grey_is_scaled_and_not_clipped(self):
        image = Image.new("I;16", (10, 10), 32768)
        assert near(decode(encode(image, "PNG")).pixels.getpixel((3, 3)), (128, 128, 128), 2)

    def test_float_grey_is_scaled(self):
        image = Image.new("F", (10, 10), 0.5)
        assert near(decode(encode(image, "TIFF")).pixels.getpixel((3, 3)), (128, 128, 128), 2)

    def test_alpha_is_put_onto_white(self):
        image = Image.new("RGBA", (10, 10), (255, 0, 0, 0))
        assert decode(encode(image)).pixels.getpixel((3, 3)) == (255, 255, 255)

    def test_half_alpha_blends_with_white(self):
        image = Image.new("RGBA", (10, 10), (0, 0, 0, 128))
        assert near(decode(encode(image)).pixels.getpixel((3, 3)), (127, 127, 127), 2)

    def test_transparent_palette_is_put_onto_white(self):
        image = Image.new("P", (10, 10), 0)
        image.putpalette([255, 0, 0] + [0, 0, 255] * 255)
        data = encode(image, "PNG", transparency=0)
        assert decode(data).pixels.getpixel((3, 3)) == (255, 255, 255)

    def test_profile_is_applied(self):
        # A linear-light profile: the middle value is much brighter in sRGB.
        lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        data = encode(Image.new("RGB", (8, 8), (100, 150, 200)), "PNG", icc_profile=lab)
        assert near(decode(data).pixels.getpixel((2, 2)), (100, 150, 200), 2)

    def test_broken_profile_is_ignored(self):
        data = encode(red(), "PNG", icc_profile=b"no profile at all")
        assert near(decode(data).pixels.getpixel((2, 2)), RED)


class TestOrientation:
    @pytest.mark.parametrize("orientation", [5, 6, 7, 8])
    def test_turned_photos_stand_upright(self, orientation):
        image = Image.new("RGB", (40, 20), "white")
        exif = image.getexif()
        exif[0x0112] = orientation
        decoded = decode(encode(image, "JPEG", exif=exif))
        assert (decoded.width, decoded.height) == (20, 40)

    def test_broken_exif_costs_nothing(self):
        data = encode(red(), "JPEG", exif=b"Exif\x00\x00garbage")
        assert decode(data).width == 40


class TestRefusals:
    def test_zero_bytes(self):
        with pytest.raises(ImageEmpty):
            decode(b"")

    @pytest.mark.parametrize("data", [b"hello", b"\x00" * 200, b"%PDF-1.7 ...", b"<svg></svg>", b"\xff\xd8"])
    def test_no_image(self, data):
        with pytest.raises(FileRefused):
            decode(data)

    def test_text_is_called_no_image(self):
        with pytest.raises(NotAnImage, match="none of"):
            decode(b"just text")

    @pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
    def test_truncated(self, form):
        data = encode(drawing(3, (300, 300)), form)
        with pytest.raises(ImageBroken, match="can't be read"):
            decode(data[: len(data) // 2])

    def test_bomb_is_refused_before_it_is_decoded(self):
        with pytest.raises(ImageTooManyPixels, match="more than 60 million pixels"):
            decode(png_bomb(60_000, 60_000))

    def test_a_little_too_large_is_told_its_size(self):
        with pytest.raises(ImageTooManyPixels, match="9000 × 9000, 81 million pixels"):
            decode(png_bomb(9_000, 9_000))

    def test_limit_names_the_numbers(self):
        with pytest.raises(ImageTooManyPixels, match="10 × 10"):
            decode(encode(red(size=(10, 10))), max_pixels=99)

    def test_garbage_after_a_valid_header(self):
        data = bytearray(picture(2))
        data[60:200] = b"\x55" * 140
        with pytest.raises(FileRefused):
            decode(bytes(data))

    def test_every_refusal_says_what_to_do(self):
        for data in (b"", b"text", picture(1)[:100], png_bomb(60_000, 60_000)):
            with pytest.raises(FileRefused) as caught:
                decode(data)
            assert caught.value.detail
            assert caught.value.action


class TestNormalise:
    def test_a_plain_file_stays_as_it_is(self):
        data = picture(1, form="JPEG")
        assert normalise(data).data == data

    @pytest.mark.parametrize(
        "data",
        [encode(red("CMYK"), "JPEG"), encode(Image.new("RGBA", (9, 9), (1, 2, 3, 0))), encode(red(), "BMP")],
        ids=["cmyk", "alpha", "bmp"],
    )
    def test_anything_else_becomes_an_upright_rgb_png(self, data):
        plain = normalise(data)
        assert plain.suffix == "png"
        with Image.open(io.BytesIO(plain.data)) as image:
            assert image.mode == "RGB"
            assert image.tobytes() == decode(data).pixels.tobytes()
