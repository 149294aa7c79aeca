"""Every feature that can be switched off or left to some: what it is, and whether it is on by itself.

Adding one: a name in `FlagName`, its line in `FLAGS`, `flags.service.require` where the feature is used and `useFlag`
where it is shown; a test fails while one of these is missing. Removing one: take all of that away and add its name to
`REMOVED`, so that it is never given another meaning: what was once decided about it may still be stored.
"""

from dataclasses import dataclass
from typing import Literal, get_args

FlagName = Literal[
    "advanced-parameters",
    "image-prompts",
    "prompt-upsampling",
    "batch-generation",
    "high-resolution",
    "hosted-backends",
    "experimental-endpoints",
    "v1-server",
    "automatic-captions",
]
REMOVED: frozenset[str] = frozenset()
"""Names that flags had once."""


@dataclass(frozen=True, slots=True)
class Flag:
    """A feature: `what` says what is missing where it is off, `since` the version that could switch it first."""

    name: FlagName
    title: str
    what: str
    default: bool
    since: str


FLAGS: dict[FlagName, Flag] = {
    flag.name: flag
    for flag in (
        Flag(
            "advanced-parameters",
            "Advanced parameters",
            "Steps, guidance and whatever else stands under “More settings”, for images and finetunes. Off: everybody "
            "takes what the model and the three choices want.",
            True,
            "0.6",
        ),
        Flag(
            "image-prompts",
            "Image prompts",
            "Images that hosted models start from: prompts made of images, editing, filling. Off: words only.",
            True,
            "0.6",
        ),
        Flag(
            "prompt-upsampling",
            "Prompt upsampling",
            "Prompts that hosted models rewrite before they draw. Off: they draw what was written.",
            True,
            "0.6",
        ),
        Flag(
            "batch-generation",
            "Batch generation",
            "More than one image in a request. Off: one image at a time.",
            True,
            "0.6",
        ),
        Flag(
            "high-resolution",
            "High resolution",
            "Images of more than 1.1 megapixels, which take much more time, memory or money.",
            True,
            "0.6",
        ),
        Flag(
            "hosted-backends",
            "Hosted backends",
            "Images made at BFL and finetunes deployed there, paid with credits. Off: only computers of your own.",
            True,
            "0.6",
        ),
        Flag(
            "experimental-endpoints",
            "Experimental endpoints",
            "Hosted models that BFL calls beta: they may change or vanish any day.",
            True,
            "0.6",
        ),
        Flag(
            "v1-server",
            "The /v1 server",
            "BFL’s API under /v1, for programs and for other fluxtunes that train and draw here.",
            True,
            "0.6",
        ),
        Flag(
            "automatic-captions",
            "Automatic captions",
            "Captions written by a model or a caption server. Off: people write them.",
            True,
            "0.6",
        ),
    )
}
NAMES: tuple[FlagName, ...] = get_args(FlagName)
