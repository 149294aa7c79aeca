"""What the rules of the dataset check look at, and how a finding is made."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from fluxtune.datasets.check_limits import CheckLimits
from fluxtune.datasets.schemas import Finding, FindingKind, FixKind, Severity
from fluxtune.imaging import alike_groups


@dataclass(frozen=True, slots=True)
class CheckedImage:
    """What the rules look at."""

    id: str
    width: int
    height: int
    sha256: str
    fingerprint: str
    caption: str
    measures: dict[str, Any] = field(default_factory=dict)
    repeats: int = 1


@dataclass(frozen=True, slots=True)
class BaseFacts:
    """What the check wants to know of the base that is to be trained."""

    title: str
    max_tokens: int
    side: int
    folder: Path | None = None


class Rules:
    """A dataset as the rules see it."""

    def __init__(
        self,
        images: Sequence[CheckedImage],
        mode: str,
        trigger: str,
        limits: CheckLimits,
        base: BaseFacts | None,
        name: str,
    ) -> None:
        self.images, self.mode, self.trigger = images, mode, trigger
        self.limits, self.base, self._name = limits, base, name

    @cached_property
    def alike(self) -> list[list[CheckedImage]]:
        """Groups of two and more look-alikes, in dataset order."""
        place = {image.id: index for index, image in enumerate(self.images)}
        # The same content without a fingerprint (stored long ago) is alike, too.
        prints = {image.id: image.fingerprint or image.sha256[:40] for image in self.images}
        groups = alike_groups(self._name or f"once {id(self)}", prints, self.limits.alike_bits)
        ordered = [
            sorted((self.images[place[key]] for key in group), key=lambda each: place[each.id]) for group in groups
        ]
        return sorted(ordered, key=lambda group: place[group[0].id])


def finding(
    kind: FindingKind,
    severity: Severity,
    sentence: str,
    action: str,
    ids: Sequence[str] = (),
    *,
    fix: FixKind | None = None,
    groups: Sequence[Sequence[str]] = (),
) -> Finding:
    """Return a finding."""
    return Finding(
        kind=kind, severity=severity, sentence=sentence, action=action, fix=fix, dataset_image_ids=list(ids),
        groups=[list(group) for group in groups],
    )  # fmt: skip


def count(number: int, noun: str = "image") -> str:
    """Return a number with its noun."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
