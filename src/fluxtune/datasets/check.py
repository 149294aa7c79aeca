"""The dataset check: what would spoil the training, said in a sentence with what to do about it. Pure rules.

Where the numbers are from: docs/guide/datasets.md. Rules about pictures are in `check_images.py`, those about captions
in `check_captions.py`.
"""

from collections.abc import Sequence

from fluxtune.datasets import check_captions, check_images
from fluxtune.datasets.check_limits import CheckLimits
from fluxtune.datasets.check_rules import BaseFacts, CheckedImage, Rules
from fluxtune.datasets.schemas import DatasetCheck, FindingKind

__all__ = ["BaseFacts", "CheckedImage", "check_dataset", "duplicates_to_remove", "problems_by_image", "small_images"]


def check_dataset(
    images: Sequence[CheckedImage],
    mode: str,
    trigger_word: str,
    limits: CheckLimits | None = None,
    base: BaseFacts | None = None,
    *,
    name: str = "",
) -> DatasetCheck:
    """Return all findings, worst first. `name` is the dataset's id, under which look-alikes are remembered."""
    rules = Rules(images, mode, trigger_word.strip(), limits or CheckLimits(), base, name)
    findings = [
        finding
        for rule in (*check_images.RULES, *check_captions.RULES)
        for finding in [rule(rules)]
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


def duplicates_to_remove(images: Sequence[CheckedImage], limits: CheckLimits | None = None) -> list[str]:
    """Return all but the best of each group of look-alikes: captioned, then larger, less compressed, sharper."""
    rules = Rules(images, "general", "", limits or CheckLimits(), None, "")
    return [image.id for group in rules.alike for image in group if image.id != check_images.best_of(group).id]


def small_images(images: Sequence[CheckedImage], limits: CheckLimits | None = None) -> list[str]:
    """Return the images too small for what they are to be trained at."""
    rules = Rules(images, "general", "", limits or CheckLimits(), None, "")
    return check_images.small_ones(rules)
