"""Rules of the dataset check about pictures."""

from collections.abc import Sequence
from random import Random
from statistics import median

from fluxtune.datasets.check_rules import CheckedImage, Rules, count, finding
from fluxtune.datasets.schemas import Finding

_BORDER = (0, 1, 2, 3, 4, 7, 8, 11, 12, 13, 14, 15)
"""Cells of the fingerprint's 4 × 4 colours that lie at the edge of the picture, where backgrounds are."""
_PAIRS = 400
_VARIETY_FROM = 6
_EDGE_DIGITS = 64


def empty(rules: Rules) -> Finding | None:
    """No images."""
    if rules.images:
        return None
    return finding("empty", "error", "There are no images yet.", "Add a handful: 6 to 20 of one subject work best.")


def too_few(rules: Rules) -> Finding | None:
    """Fewer images than a subject needs."""
    if not rules.images or len(rules.images) >= rules.limits.few_images:
        return None
    return finding(
        "too_few",
        "warning",
        f"Only {count(len(rules.images))}: poses and backgrounds will be learnt along with the subject.",
        "Add images from other sides, distances and places; 6 to 20 work best.",
    )


def too_many(rules: Rules) -> Finding | None:
    """More images than whoever trains takes."""
    most = rules.limits.many_images
    if not most or len(rules.images) <= most:
        return None
    return finding(
        "too_many",
        "warning",
        f"{count(len(rules.images))}, {len(rules.images) - most:,} more than the {most:,} that are wanted.",
        "Keep the most different ones; the others can be put back.",
        [image.id for image in surplus(rules)],
        fix="keep_different",
    )


def too_small(rules: Rules) -> Finding | None:
    """Images that would be enlarged."""
    ids = small_ones(rules)
    if not ids:
        return None
    return finding(
        "too_small",
        "warning",
        f"{count(len(ids))} measure{'s' if len(ids) == 1 else ''} less than {_least_side(rules)} pixels on the shorter "
        "side; blur would be learnt from enlarging.",
        "Replace by larger ones, or remove.",
        ids,
        fix="remove_small",
    )


def duplicates(rules: Rules) -> Finding | None:
    """Pictures that are nearly the same."""
    if not rules.alike:
        return None
    ids = [image.id for group in rules.alike for image in group]
    # The best of each group comes first, so that a page can suggest which to keep.
    groups = [
        [best_of(group).id, *(image.id for image in group if image.id != best_of(group).id)] for group in rules.alike
    ]
    return finding(
        "duplicate",
        "warning",
        f"{count(len(ids))} look almost the same as another; the training would dwell on them.",
        "Keep the best of each: captioned, then larger, less compressed, sharper.",
        ids,
        fix="remove_duplicates",
        groups=groups,
    )


def blurred(rules: Rules) -> Finding | None:
    """Pictures without a sharp place."""
    ids = [image.id for image in rules.images if _is_below(image.measures.get("sharpness"), rules.limits.sharpness)]
    if not ids:
        return None
    return finding(
        "blurred",
        "warning",
        f"{count(len(ids))} {'is' if len(ids) == 1 else 'are'} blurred all over; what is learnt will be soft, too.",
        "Replace by sharper ones, or remove.",
        ids,
        fix="remove_blurred",
    )


def compressed(rules: Rules) -> Finding | None:
    """JPEGs saved so small that blocks are seen."""
    limit = rules.limits.jpeg_quality
    ids = [image.id for image in rules.images if _is_below(image.measures.get("jpeg_quality"), limit)]
    if not ids:
        return None
    return finding(
        "compressed",
        "warning",
        f"{count(len(ids))} {'was' if len(ids) == 1 else 'were'} saved at a JPEG quality below {limit}; blocks and "
        "smears would be learnt.",
        "Use the files they were made from, or remove.",
        ids,
        fix="remove_compressed",
    )


def odd_shape(rules: Rules) -> Finding | None:
    """Very long and narrow pictures."""
    ids = [
        image.id
        for image in rules.images
        if max(image.width, image.height) > rules.limits.odd_ratio * max(1, min(image.width, image.height))
    ]
    if not ids:
        return None
    return finding(
        "odd_shape",
        "hint",
        f"{count(len(ids))} {'is' if len(ids) == 1 else 'are'} very long and narrow; the ends will be cut.",
        "Cut to what matters; the original stays.",
        ids,
        fix="crop_odd",
    )


def transparent(rules: Rules) -> Finding | None:
    """Pictures that had transparency."""
    ids = [image.id for image in rules.images if image.measures.get("has_alpha")]
    if not ids:
        return None
    return finding(
        "transparent",
        "hint",
        f"{count(len(ids))} {'has' if len(ids) == 1 else 'have'} transparent parts, which are trained on white.",
        "Nothing needs to be done if white is right; else put a background behind it before adding, or remove.",
        ids,
        fix="remove_transparent",
    )


def low_variety(rules: Rules) -> Finding | None:
    """One background, or one composition, throughout."""
    prints = [image.fingerprint for image in rules.images if len(image.fingerprint) > _EDGE_DIGITS]
    if len(prints) < _VARIETY_FROM:
        return None
    backgrounds, poses = _distances(prints)
    same = []
    if rules.mode in ("character", "product") and backgrounds < rules.limits.background_variety:
        same.append("the same background")
    if poses < rules.limits.pose_variety:
        same.append("the same pose or composition")
    if not same:
        return None
    return finding(
        "low_variety",
        "hint",
        f"Most images have {' and '.join(same)}; it will be learnt as part of what you teach.",
        "Add images from other places, sides and distances, or say in captions what is the same.",
    )


def best_of(group: Sequence[CheckedImage]) -> CheckedImage:
    """Return the one of some look-alikes to keep."""
    return max(
        group,
        key=lambda image: (
            bool(image.caption),
            image.width * image.height,
            # Before sharpness: the edges of JPEG blocks are sharp.
            image.measures.get("jpeg_quality") or 100,
            image.measures.get("sharpness") or 0.0,
        ),
    )


def small_ones(rules: Rules) -> list[str]:
    """Return the images that are too small for what they are to be trained at."""
    least = _least_side(rules)
    return [image.id for image in rules.images if min(image.width, image.height) < least]


def surplus(rules: Rules) -> list[CheckedImage]:
    """Return what to leave out so that the most different images stay: greedily, the farthest from those kept."""
    most = rules.limits.many_images
    images = list(rules.images)
    if not most or len(images) <= most:
        return []
    numbers = [int(image.fingerprint[:_EDGE_DIGITS] or "0", 16) for image in images]
    kept = {0}
    nearest = [(number ^ numbers[0]).bit_count() for number in numbers]
    while len(kept) < most:
        chosen = max((index for index in range(len(images)) if index not in kept), key=nearest.__getitem__)
        kept.add(chosen)
        nearest = [
            min(old, (number ^ numbers[chosen]).bit_count()) for old, number in zip(nearest, numbers, strict=True)
        ]
    return [image for index, image in enumerate(images) if index not in kept]


def _least_side(rules: Rules) -> int:
    """Half of what a base is trained at can still be enlarged; with no base in mind, the set limit counts."""
    return max(rules.limits.small_side, rules.base.side // 2) if rules.base else rules.limits.small_side


def _is_below(value: object, limit: float) -> bool:
    return isinstance(value, int | float) and value < limit


def _distances(prints: Sequence[str]) -> tuple[float, float]:
    """Return the usual distance of backgrounds (of 255) and of edges (share that differs) between two images."""
    random = Random(len(prints))  # noqa: S311  # a sample of pairs, the same at every look
    colours = [bytes.fromhex(each[_EDGE_DIGITS:]) for each in prints]
    edges = [int(each[:_EDGE_DIGITS], 16) for each in prints]
    pairs = [random.sample(range(len(prints)), 2) for _ in range(_PAIRS)]
    border = [3 * cell + channel for cell in _BORDER for channel in range(3)]
    backgrounds = median(
        sum(abs(colours[one][place] - colours[two][place]) for place in border) / len(border) for one, two in pairs
    )
    return backgrounds, median((edges[one] ^ edges[two]).bit_count() / 256 for one, two in pairs)


RULES = (
    empty, too_few, too_many, too_small, duplicates, blurred, compressed, odd_shape, transparent, low_variety,
)  # fmt: skip
