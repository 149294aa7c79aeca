"""The rules of the dataset check."""

from random import Random

import pytest

from fluxtune.datasets.check import CheckedImage, check_dataset, duplicates_to_remove, problems_by_image, small_images
from fluxtune.imaging import fingerprint_of
from tests.zoo import drawing


def image(seed, *, width=512, height=512, caption="a zubo", name=None):
    return CheckedImage(
        id=name or f"image-{seed}",
        width=width,
        height=height,
        sha256=f"{seed}",
        fingerprint=fingerprint_of(drawing(seed, (200, 200))),
        caption=caption,
    )


GOOD = [image(seed, caption=f"a zubo number {seed}") for seed in range(6)]


def kinds(images, mode="character", trigger_word="zubo"):
    return [finding.kind for finding in check_dataset(images, mode, trigger_word).findings]


def test_good_images_have_no_findings():
    check = check_dataset(GOOD, "character", "zubo")
    assert check.findings == []
    assert check.is_trainable
    assert (check.image_count, check.captioned_count) == (6, 6)


def test_empty_is_an_error():
    check = check_dataset([], "character", "zubo")
    assert [(finding.kind, finding.severity) for finding in check.findings] == [("empty", "error")]
    assert not check.is_trainable


@pytest.mark.parametrize(
    ("kind", "images", "mode", "trigger_word"),
    [
        ("too_few", GOOD[:3], "character", "zubo"),
        ("too_small", [*GOOD, image(20, width=100, height=100, caption="a zubo 20")], "character", "zubo"),
        ("duplicate", [*GOOD, image(1, name="copy", caption="a zubo copy")], "character", "zubo"),
        ("caption_missing", [*GOOD, image(20, caption="")], "character", "zubo"),
        ("caption_identical", [*GOOD, *(image(seed, caption="a zubo") for seed in (20, 21, 22))], "product", "zubo"),
        ("trigger_missing", [*GOOD, image(20, caption="a zuborama thing")], "character", "zubo"),
        ("trigger_missing", GOOD, "style", ""),
        ("odd_shape", [*GOOD, image(20, width=2000, caption="a zubo 20")], "character", "zubo"),
    ],
)
def test_each_finding_comes_alone_and_says_what_to_do(kind, images, mode, trigger_word):
    check = check_dataset(images, mode, trigger_word)
    assert [finding.kind for finding in check.findings] == [kind]
    assert check.findings[0].sentence
    assert check.findings[0].action
    assert check.is_trainable


def test_general_needs_no_trigger_word():
    assert kinds(GOOD, "general", "") == []


def test_worst_comes_first():
    images = [image(1), image(1, name="copy"), image(3, width=50, caption="")]
    severities = [finding.severity for finding in check_dataset(images, "character", "zubo").findings]
    assert severities == sorted(severities, key=["error", "warning", "hint"].index)


def test_badges_stand_on_the_images_that_have_the_problem():
    images = [*GOOD, image(20, width=50, height=50, caption="")]
    badges = problems_by_image(check_dataset(images, "character", "zubo"))
    assert badges == {"image-20": ["too_small", "caption_missing"]}


def test_removing_duplicates_keeps_the_captioned_and_larger():
    images = [
        image(1, name="small", width=300, caption="a zubo"),
        image(1, name="large-bare", width=900, caption=""),
        image(1, name="large", width=900, caption="a zubo there"),
        image(2, name="other"),
    ]
    assert sorted(duplicates_to_remove(images)) == ["large-bare", "small"]


def test_removing_small_ones_keeps_the_limit():
    assert small_images([image(1, width=127), image(2, width=128)]) == ["image-1"]


def test_a_thousand_images_are_checked_in_a_moment():
    import time

    many = [image(seed % 12, name=f"{seed}", caption=f"{seed}") for seed in range(12)] * 1
    random = Random(1)
    many += [
        CheckedImage(
            f"x{number}", 512, 512, f"{number}", f"{random.getrandbits(256):064x}{number % 256:02x}" + "00" * 47, ""
        )
        for number in range(1000)
    ]
    started = time.perf_counter()
    check_dataset(many, "general", "")
    assert time.perf_counter() - started < 2
