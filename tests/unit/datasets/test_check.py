"""The rules of the dataset check."""

from dataclasses import replace
from random import Random

import pytest

from fluxtune.datasets.check import (
    BaseFacts,
    CheckedImage,
    check_dataset,
    duplicates_to_remove,
    problems_by_image,
    small_images,
)
from fluxtune.datasets.check_limits import CheckLimits
from fluxtune.datasets.fixes import shorten
from fluxtune.engine.bases import shipped_bases
from fluxtune.engine.tokens import estimate_tokens
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


def measured(seed, **facts):
    return replace(image(seed, caption=f"a zubo number {seed}", name=f"m{seed}"), measures=facts)


def only(images, kind, mode="character", trigger="zubo", limits=None, base=None):
    findings = check_dataset(images, mode, trigger, limits, base).findings
    return next((finding for finding in findings if finding.kind == kind), None)


@pytest.mark.parametrize(
    ("kind", "facts", "fix"),
    [
        ("blurred", {"sharpness": 3.0}, "remove_blurred"),
        ("compressed", {"jpeg_quality": 20}, "remove_compressed"),
        ("transparent", {"has_alpha": True}, "remove_transparent"),
    ],
)
def test_what_was_measured_is_said(kind, facts, fix):
    found = only([*GOOD, measured(30, **facts), measured(31, sharpness=300.0, jpeg_quality=90, has_alpha=False)], kind)
    assert found is not None
    assert (found.dataset_image_ids, found.fix) == (["m30"], fix)


def test_what_was_not_measured_is_not_held_against_an_image():
    check = check_dataset([*GOOD, measured(30)], "character", "zubo")
    assert {finding.kind for finding in check.findings} & {"blurred", "compressed", "transparent"} == set()


@pytest.mark.parametrize(
    ("limits", "facts", "kind"),
    [
        (CheckLimits(sharpness=0), {"sharpness": 3.0}, "blurred"),
        (CheckLimits(jpeg_quality=10), {"jpeg_quality": 20}, "compressed"),
    ],
)
def test_lines_can_be_moved(limits, facts, kind):
    assert only([*GOOD, measured(30, **facts)], kind) is not None
    assert only([*GOOD, measured(30, **facts)], kind, limits=limits) is None


def test_too_many_keeps_the_most_different():
    images = [image(seed, caption=f"a zubo {seed}") for seed in range(8)] + [image(0, name="again", caption="a zubo")]
    found = only(images, "too_many", limits=CheckLimits(many_images=8))
    assert found is not None
    assert found.dataset_image_ids == ["again"]


def test_look_alikes_come_in_groups_with_the_one_to_keep_first():
    images = [*GOOD, image(1, name="large", width=900, height=900, caption="a zubo"), image(2, name="twin", caption="")]
    found = only(images, "duplicate")
    assert found is not None
    assert found.groups == [["large", "image-1"], ["image-2", "twin"]]


def test_long_captions_are_counted_for_the_base():
    long = image(30, caption="a zubo " + "word " * 60, name="long")
    assert only([*GOOD, long], "caption_too_long") is None
    found = only([*GOOD, long], "caption_too_long", base=BaseFacts("Pocket", 40, 128))
    assert found is not None
    assert found.dataset_image_ids == ["long"]
    assert "estimated" in found.sentence
    counted = only([*GOOD, long], "caption_too_long", base=BaseFacts("Pocket", 40, 128, shipped_bases() / "pocket"))
    assert counted is not None
    assert "estimated" not in counted.sentence


def test_a_base_wants_images_of_its_size():
    images = [*GOOD, image(30, width=300, height=300, caption="a zubo 30")]
    assert only(images, "too_small") is None
    found = only(images, "too_small", base=BaseFacts("FLUX", 512, 1024))
    assert found is not None
    assert "512 pixels" in found.sentence


@pytest.mark.parametrize(
    ("caption", "doubled"),
    [("a zubo beside a Zubo", True), ("[trigger] and zubo", True), ("a zubo", False), ("zubo zuborama", False)],
)
def test_a_trigger_word_said_twice(caption, doubled):
    assert (only([*GOOD, image(30, caption=caption)], "trigger_doubled") is not None) is doubled


def test_a_placeholder_stands_for_the_trigger_word():
    assert only([*GOOD, image(30, caption="a [trigger] there")], "trigger_missing") is None


def test_one_background_throughout_is_said_where_it_matters():
    same = [
        replace(image(seed, caption=f"a zubo {seed}"), fingerprint=f"{seed * 10**70:064x}"[-64:] + "808080" * 16)
        for seed in range(1, 9)
    ]
    found = only(same, "low_variety")
    assert found is not None
    assert "the same background" in found.sentence
    assert found.severity == "hint"
    assert only(GOOD, "low_variety") is None


class TestShorten:
    def words(self, texts):
        return [len(text.split()) for text in texts]

    @pytest.mark.parametrize(
        ("caption", "limit", "shortened"),
        [
            ("one two three. four five six. seven eight", 6, "one two three. four five six."),
            ("one, two three, four five six seven eight", 5, "one, two three"),
            ("one two three four five", 3, "one two three"),
            ("one. two three four five six seven eight nine", 6, "one. two three four five six"),
            ("short", 5, "short"),
        ],
    )
    def test_at_the_best_place(self, caption, limit, shortened):
        assert shorten(caption, limit, self.words) == shortened

    def test_one_endless_word_is_cut(self):
        assert len(shorten("x" * 400, 5, lambda texts: [len(text) for text in texts])) == 5


@pytest.mark.parametrize(
    ("text", "low", "high"), [("", 0, 0), ("a red fox in the snow", 6, 9), ("狐狸在雪地里", 6, 6), ("x" * 360, 90, 110)]
)
def test_estimated_tokens(text, low, high):
    assert low <= estimate_tokens(text) <= high
