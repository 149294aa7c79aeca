"""Every format and every way of holding colour, each read as what it shows."""

import io
import struct
import zlib

import pytest
from PIL import Image, ImageCms

from fluxtune.imaging import MEASURE_SIDE, decode, survey
from fluxtune.imaging.measures import jpeg_quality_of, sharpness_of
from tests.zoo import drawing, encode, heic

RED = (250, 10, 20)
BLUE = (20, 30, 240)


def near(pixel, expected, tolerance=12):
    return all(abs(one - other) <= tolerance for one, other in zip(pixel, expected, strict=True))


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def grey_tiff(order, first, value, side=8):
    """Return a grey TIFF of 16 bits in one byte order, as photograph programs on Macs write them."""
    pixels = struct.pack(f"{order}H", value) * side * side
    fields = [(256, 3, side), (257, 3, side), (258, 3, 16), (259, 3, 1), (262, 3, 1), (273, 4, 0), (277, 3, 1),
              (278, 4, side), (279, 4, len(pixels))]  # fmt: skip
    start = 8 + 2 + 12 * len(fields) + 4
    entries = b"".join(
        struct.pack(f"{order}HHI", tag, kind, 1)
        + (struct.pack(f"{order}HH", number, 0) if kind == 3 else struct.pack(f"{order}I", number or start))
        for tag, kind, number in fields
    )
    return first + struct.pack(f"{order}IH", 8, len(fields)) + entries + bytes(4) + pixels


def png_16_bit(value, size=4):
    """Return an RGB PNG of 16 bits per channel, which Pillow itself can't write."""
    row = b"\x00" + struct.pack(">3H", *value) * size
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", size, size, 16, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(row * size))
        + chunk(b"IEND", b"")
    )


class TestPhoneFormats:
    @pytest.mark.parametrize("form", ["AVIF", "HEIF"])
    def test_is_read_and_named(self, form):
        data = (
            heic(Image.new("RGB", (80, 60), RED)) if form == "HEIF" else encode(Image.new("RGB", (80, 60), RED), form)
        )
        looked = survey(data)
        assert (looked.format, looked.width, looked.height) == (form, 80, 60)
        assert near(decode(data).pixels.getpixel((5, 5)), RED)

    def test_a_heic_behind_a_general_first_brand_is_read(self):
        data = bytearray(heic(Image.new("RGB", (80, 60), RED)))
        data[8:12] = b"mif1"
        assert survey(bytes(data)).format == "HEIF"

    def test_a_turned_heic_stands_upright_once(self):
        image = Image.new("RGB", (80, 60), RED)
        exif = image.getexif()
        exif[0x0112] = 6
        looked = survey(heic(image, exif=exif.tobytes()))
        assert (looked.width, looked.height) == (60, 80)
        with Image.open(io.BytesIO(looked.thumbnails[128])) as thumbnail:
            assert thumbnail.height > thumbnail.width


class TestColour:
    def test_16_bit_colour_is_scaled(self):
        assert near(decode(png_16_bit((65535, 32768, 0))).pixels.getpixel((1, 1)), (255, 128, 0), 1)

    def test_a_dark_16_bit_grey_stays_dark(self):
        image = Image.new("I;16", (10, 10), 200)  # of 65535: nearly black, not light grey
        assert decode(encode(image, "PNG")).pixels.getpixel((3, 3)) == (0, 0, 0)

    @pytest.mark.parametrize(("value", "grey"), [(200, 0), (32_768, 127), (65_535, 255)])
    def test_a_16_bit_tiff_of_either_byte_order(self, value, grey):
        for order, tags in ((">", b"MM\x00*"), ("<", b"II*\x00")):
            assert decode(grey_tiff(order, tags, value)).pixels.getpixel((3, 3)) == (grey,) * 3
            assert survey(grey_tiff(order, tags, value)).width == 8

    def test_cmyk_is_not_inverted(self):
        data = encode(Image.new("RGB", (20, 20), RED).convert("CMYK"), "JPEG", quality=95)
        assert near(decode(data).pixels.getpixel((5, 5)), RED, 25)

    def test_a_profile_of_swapped_channels_is_honoured(self):
        # sRGB with the red and blue colourants exchanged: an image that is red in numbers shows blue.
        profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
        red, blue = profile.index(b"rXYZ", 128), profile.index(b"bXYZ", 128)
        profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
        data = encode(Image.new("RGB", (20, 20), (240, 20, 20)), "PNG", icc_profile=bytes(profile))
        red_value, _, blue_value = decode(data).pixels.tobytes()[:3]
        assert blue_value > red_value + 100

    def test_a_colour_marked_transparent_shows_the_background(self):
        data = encode(Image.new("RGB", (10, 10), RED), "PNG", transparency=RED)
        assert decode(data).pixels.getpixel((3, 3)) == (255, 255, 255)
        assert survey(data).measures.has_alpha

    @pytest.mark.parametrize(
        ("image", "options", "expected"),
        [
            (Image.new("RGBA", (10, 10), (*RED, 255)), {}, False),
            (Image.new("RGBA", (10, 10), (*RED, 254)), {}, True),
            (Image.new("LA", (10, 10), (100, 0)), {}, True),
            (Image.new("P", (10, 10), 0), {"transparency": 0}, True),
            (Image.new("P", (10, 10), 1), {"transparency": 0}, False),
            (Image.new("RGB", (10, 10), RED), {}, False),
        ],
    )
    def test_only_what_shines_through_counts_as_transparent(self, image, options, expected):
        assert survey(encode(image, "PNG", **options)).measures.has_alpha is expected


class TestSurvey:
    def test_a_large_photograph_keeps_its_own_size(self):
        looked = survey(encode(drawing(1, (2400, 1800)), "JPEG"))
        assert (looked.width, looked.height) == (2400, 1800)
        with Image.open(io.BytesIO(looked.thumbnails[768])) as thumbnail:
            assert thumbnail.size == (768, 576)

    @pytest.mark.parametrize(("orientation", "corner"), [(3, "blue"), (6, "blue"), (8, "red")])
    def test_a_turned_photograph_is_turned_the_right_way(self, orientation, corner):
        image = Image.new("RGB", (1900, 1000), RED)
        image.paste(BLUE, (950, 0, 1900, 1000))  # red left, blue right
        exif = image.getexif()
        exif[0x0112] = orientation
        looked = survey(encode(image, "JPEG", exif=exif))
        assert (looked.width, looked.height) == ((1900, 1000) if orientation == 3 else (1000, 1900))
        with Image.open(io.BytesIO(looked.thumbnails[320])) as thumbnail:
            bottom = thumbnail.getpixel((thumbnail.width // 2, thumbnail.height - 5))
            left = thumbnail.getpixel((5, thumbnail.height // 2))
        shown = left if orientation == 3 else bottom
        assert near(shown, BLUE if (orientation, corner) in ((3, "blue"), (6, "blue")) else RED, 30)

    def test_the_fingerprint_does_not_depend_on_how_it_was_decoded(self):
        from fluxtune.imaging import is_alike

        image = drawing(4, (2400, 1800))
        assert is_alike(
            survey(encode(image, "JPEG")).fingerprint, survey(encode(image, "PNG", compress_level=1)).fingerprint
        )

    def test_first_frame_only(self):
        frames = [Image.new("RGB", (40, 30), BLUE)] * 3
        looked = survey(encode(Image.new("RGB", (40, 30), RED), "GIF", save_all=True, append_images=frames))
        with Image.open(io.BytesIO(looked.thumbnails[128])) as thumbnail:
            assert near(thumbnail.convert("RGB").getpixel((5, 5)), RED, 20)


class TestMeasures:
    def test_blur_lowers_sharpness(self):
        from PIL import ImageFilter

        sharp = drawing(2, (MEASURE_SIDE, 600))
        values = [sharpness_of(sharp.filter(ImageFilter.GaussianBlur(radius))) for radius in (0, 2, 5)]
        assert values[0] > 30 > 12 > values[1] > values[2]

    def test_a_sharp_subject_before_a_soft_background_is_sharp(self):
        from PIL import ImageFilter

        image = drawing(2, (MEASURE_SIDE, 600)).filter(ImageFilter.GaussianBlur(12))
        image.paste(drawing(5, (200, 200)), (250, 200))
        assert sharpness_of(image) > 30

    @pytest.mark.parametrize("quality", [20, 35, 50, 75, 95])
    def test_the_quality_of_a_jpeg_is_read_from_its_tables(self, quality):
        data = encode(drawing(1), "JPEG", quality=quality)
        with Image.open(io.BytesIO(data)) as image:
            assert abs(jpeg_quality_of(image) - quality) <= 2

    def test_other_formats_have_none(self):
        assert survey(encode(drawing(1), "PNG")).measures.jpeg_quality is None
