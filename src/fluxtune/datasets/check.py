"""The dataset check: what would spoil the training, said in a sentence with what to do about it. Pure rules."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from fluxtune.datasets.schemas import DatasetCheck, Finding, FindingKind
from fluxtune.engine.captions import has_trigger
from fluxtune.imaging import is_alike

FEW_IMAGES = 5
"""With fewer, poses and backgrounds are learnt along with the subject."""
SMALL_SIDE = 128
"""Pixels: below, even the smallest base would have to enlarge the image."""
ODD_RATIO = 3.0
"""Longer side over shorter side: beyond, cropping to a training shape cuts the subject."""


@dataclass(frozen=True, slots=True)
class CheckedImage:
    """What the rules look at."""

    id: str
    width: int
    height: int
    sha256: str
    fingerprint: str
    caption: str


def check_dataset(images: Sequence[CheckedImage], mode: str, trigger_word: str) -> DatasetCheck:
    """Return all findings, worst first."""
    findings = [
        finding
        for finding in (
            _empty(images),
            _too_few(images),
            _too_small(images),
            _duplicates(images),
            _trigger_unset(images, mode, trigger_word),
            _caption_missing(images, mode),
            _caption_identical(images),
            _trigger_missing(images, trigger_word),
            _odd_shape(images),
        )
        if finding is not None
    ]
    order = {"error": 0, "warning": 1, "hint": 2}
    findings.sort(key=lambda finding: order[finding.severity])
    return DatasetCheck(
        findings=findings,
        image_count=len(images),
        captioned_count=sum(1 for image in images if image.caption),
        is_trainable=not any(finding.severity == "error" for finding in findings),
    )


def problems_by_image(check: DatasetCheck) -> dict[str, list[FindingKind]]:
    """Return the badges of each image."""
    problems: dict[str, list[FindingKind]] = {}
    for finding in check.findings:
        for image_id in finding.dataset_image_ids:
            kinds = problems.setdefault(image_id, [])
            if finding.kind not in kinds:
                kinds.append(finding.kind)
    return problems


def duplicates_to_remove(images: Sequence[CheckedImage]) -> list[str]:
    """Return all but the largest of each group of look-alikes; a caption weighs more than pixels."""
    removed: list[str] = []
    for group in _alike_groups(images):
        keep = max(group, key=lambda image: (bool(image.caption), image.width * image.height))
        removed.extend(image.id for image in group if image.id != keep.id)
    return removed


def small_images(images: Sequence[CheckedImage]) -> list[str]:
    """Return the images too small for any base."""
    return [image.id for image in images if min(image.width, image.height) < SMALL_SIDE]


def _count(number: int, noun: str = "image") -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _empty(images: Sequence[CheckedImage]) -> Finding | None:
    if images:
        return None
    return Finding(
        kind="empty", severity="error", sentence="There are no images yet.",
        action="Add a handful: 6 to 20 of one subject work best.", fix=None, dataset_image_ids=[],
    )  # fmt: skip


def _too_few(images: Sequence[CheckedImage]) -> Finding | None:
    if not images or len(images) >= FEW_IMAGES:
        return None
    return Finding(
        kind="too_few", severity="warning",
        sentence=f"Only {_count(len(images))}: poses and backgrounds will be learnt along with the subject.",
        action="Add images from other sides, distances and places; 6 to 20 work best.", fix=None, dataset_image_ids=[],
    )  # fmt: skip


def _too_small(images: Sequence[CheckedImage]) -> Finding | None:
    ids = small_images(images)
    if not ids:
        return None
    return Finding(
        kind="too_small", severity="warning",
        sentence=f"{_count(len(ids))} measure{'s' if len(ids) == 1 else ''} less than {SMALL_SIDE} pixels on the "
        "shorter side; blur would be learnt from enlarging.",
        action="Replace by larger ones, or remove.", fix="remove_small", dataset_image_ids=ids,
    )  # fmt: skip


def _duplicates(images: Sequence[CheckedImage]) -> Finding | None:
    groups = _alike_groups(images)
    if not groups:
        return None
    ids = [image.id for group in groups for image in group]
    return Finding(
        kind="duplicate", severity="warning",
        sentence=f"{_count(len(ids))} look almost the same as another; the training would dwell on them.",
        action="Keep the best of each.", fix="remove_duplicates", dataset_image_ids=ids,
    )  # fmt: skip


def _trigger_unset(images: Sequence[CheckedImage], mode: str, trigger_word: str) -> Finding | None:
    if not images or trigger_word or mode == "general":
        return None
    return Finding(
        kind="trigger_missing", severity="warning",
        sentence="The dataset has no trigger word, so nothing in a prompt will call up what was learnt.",
        action="Choose a made-up word that is no other word's beginning, such as “zorbit”.",
        fix=None, dataset_image_ids=[],
    )  # fmt: skip


def _caption_missing(images: Sequence[CheckedImage], mode: str) -> Finding | None:
    ids = [image.id for image in images if not image.caption]
    if not ids:
        return None
    return Finding(
        kind="caption_missing", severity="warning" if mode == "general" else "hint",
        sentence=f"{_count(len(ids))} {'has' if len(ids) == 1 else 'have'} no caption.",
        action="Say what else is in the image (place, light, pose), so that it isn't taken for the subject.",
        fix=None, dataset_image_ids=ids,
    )  # fmt: skip


def _caption_identical(images: Sequence[CheckedImage]) -> Finding | None:
    counts = Counter(image.caption for image in images if image.caption)
    ids = [image.id for image in images if counts[image.caption] >= 3]
    if not ids:
        return None
    return Finding(
        kind="caption_identical", severity="hint",
        sentence=f"{_count(len(ids))} share their caption with others.",
        action="Say what differs between them; what captions don't mention is learnt as the subject.",
        fix=None, dataset_image_ids=ids,
    )  # fmt: skip


def _trigger_missing(images: Sequence[CheckedImage], trigger_word: str) -> Finding | None:
    if not trigger_word:
        return None
    ids = [image.id for image in images if image.caption and not has_trigger(image.caption, trigger_word)]
    if not ids:
        return None
    return Finding(
        kind="trigger_missing", severity="hint",
        sentence=f"{_count(len(ids), 'caption')} {'does' if len(ids) == 1 else 'do'} not contain “{trigger_word}”.",
        action="Nothing needs to be done: the training puts it in front. Write it in for a better sentence.",
        fix=None, dataset_image_ids=ids,
    )  # fmt: skip


def _odd_shape(images: Sequence[CheckedImage]) -> Finding | None:
    ids = [
        image.id
        for image in images
        if max(image.width, image.height) > ODD_RATIO * max(1, min(image.width, image.height))
    ]
    if not ids:
        return None
    return Finding(
        kind="odd_shape", severity="hint",
        sentence=f"{_count(len(ids))} {'is' if len(ids) == 1 else 'are'} very long and narrow; the ends will be cut.",
        action="Crop to what matters.", fix=None, dataset_image_ids=ids,
    )  # fmt: skip


def _alike_groups(images: Sequence[CheckedImage]) -> list[list[CheckedImage]]:
    """Return groups of two and more look-alikes, in dataset order."""
    groups: list[list[CheckedImage]] = []
    # Look-alikes have nearly the same first colour, so neighbours in that order are the only candidates.
    ordered = sorted(images, key=lambda image: image.fingerprint[64:66])
    position = {image.id: index for index, image in enumerate(images)}
    taken: set[str] = set()
    for index, image in enumerate(ordered):
        if image.id in taken:
            continue
        group = [image]
        for other in ordered[index + 1 :]:
            if _first_colour(other) - _first_colour(image) > _COLOUR_WINDOW:
                break
            if other.id not in taken and (
                other.sha256 == image.sha256 or is_alike(image.fingerprint, other.fingerprint)
            ):
                group.append(other)
        if len(group) > 1:
            taken.update(member.id for member in group)
            groups.append(sorted(group, key=lambda member: position[member.id]))
    return sorted(groups, key=lambda group: position[group[0].id])


_COLOUR_WINDOW = 8


def _first_colour(image: CheckedImage) -> int:
    return int(image.fingerprint[64:66] or "0", 16)
