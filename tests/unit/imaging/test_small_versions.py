"""Thumbnails, placeholders, likeness and embedded recipes."""

import base64
import io

import pytest
from PIL import Image

from fluxtune.imaging import (
    THUMBNAIL_SIZES,
    embed_recipe,
    fingerprint_of,
    is_alike,
    make_placeholder,
    make_thumbnails,
    read_recipe,
)
from tests.zoo import drawing, encode, picture


def open_bytes(data):
    return Image.open(io.BytesIO(data))


class TestThumbnails:
    def test_three_jpegs_of_the_promised_sizes(self):
        thumbnails = make_thumbnails(drawing(1, (1600, 900)))
        assert sorted(thumbnails) == list(THUMBNAIL_SIZES) == [128, 320, 768]
        for size, content in thumbnails.items():
            with open_bytes(content) as image:
                assert image.format == "JPEG"
                assert max(image.size) == size
                assert abs(image.width / image.height - 16 / 9) < 0.02

    def test_small_images_are_not_enlarged(self):
        for content in make_thumbnails(drawing(1, (60, 40))).values():
            with open_bytes(content) as image:
                assert image.size == (60, 40)

    @pytest.mark.parametrize("size", [(4000, 3), (3, 4000), (1, 1)])
    def test_extreme_shapes_keep_at_least_one_pixel(self, size):
        for content in make_thumbnails(Image.new("RGB", size, "red")).values():
            with open_bytes(content) as image:
                assert min(image.size) >= 1


class TestPlaceholder:
    @pytest.mark.parametrize("size", [(1600, 900), (900, 1600), (10, 10), (2000, 5)])
    def test_is_a_tiny_data_uri(self, size):
        uri = make_placeholder(drawing(5, size))
        assert len(uri) <= 500
        head, _, body = uri.partition(",")
        assert head == "data:image/webp;base64"
        with open_bytes(base64.b64decode(body)) as image:
            assert max(image.size) <= 20

    def test_noise_fits_as_well(self):
        noise = Image.effect_noise((400, 400), 120).convert("RGB")
        assert len(make_placeholder(noise)) <= 500


class TestLikeness:
    def test_recompressed_and_scaled_is_alike(self):
        original = drawing(7, (640, 480))
        smaller = original.resize((320, 240))
        jpeg = open_bytes(encode(original, "JPEG", quality=60)).convert("RGB")
        assert is_alike(fingerprint_of(original), fingerprint_of(smaller))
        assert is_alike(fingerprint_of(original), fingerprint_of(jpeg))

    def test_different_pictures_are_not(self):
        prints = [fingerprint_of(drawing(seed, (320, 240))) for seed in range(12)]
        pairs = [(i, j) for i in range(12) for j in range(i)]
        assert not any(is_alike(prints[i], prints[j]) for i, j in pairs)

    def test_flat_colours_differ_by_colour(self):
        red, blue = (fingerprint_of(Image.new("RGB", (64, 64), name)) for name in ("red", "blue"))
        assert not is_alike(red, blue)
        assert is_alike(red, red)

    def test_a_mirrored_image_is_another(self):
        image = drawing(9, (320, 240))
        mirrored = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        assert not is_alike(fingerprint_of(image), fingerprint_of(mirrored))

    def test_nonsense_is_not_alike(self):
        assert not is_alike("", "")


class TestRecipe:
    def test_comes_back_and_leaves_pixels_alone(self):
        data = picture(4)
        carried = embed_recipe(data, {"prompt": "ein Bär — 熊", "seed": 7}, "ein Bär\nSeed: 7")
        assert read_recipe(carried) == {"prompt": "ein Bär — 熊", "seed": 7}
        with open_bytes(data) as before, open_bytes(carried) as after:
            assert after.info["parameters"] == "ein Bär\nSeed: 7"
            assert before.tobytes() == after.tobytes()

    def test_of_a_foreign_image_is_none(self):
        assert read_recipe(picture(4)) is None
