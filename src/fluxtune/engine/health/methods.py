"""What the measures are, in words for people."""

from fluxtune.engine.health.measures import COPY_BELOW
from fluxtune.engine.reports import Method

METHODS = [
    Method(
        name="gain",
        title="Gain",
        unit="part of the way",
        better="higher",
        text="How much closer images with the trigger word came to the training images than the base's, for the same "
        "prompts and seeds. 0: no closer. 1: as close as the training images are to each other.",
    ),
    Method(
        name="bleed",
        title="Bleed",
        unit="of another prompt",
        better="lower",
        text="How far images without the trigger word moved from the base's, for the same prompts and seeds. 0: they "
        "are the same. 1: as different as the base's images of another prompt.",
    ),
    Method(
        name="copying",
        title="Copying",
        unit="of the images",
        better="lower",
        text="The share of images with the trigger word that are near copies of a training image: nearer to it than "
        f"{COPY_BELOW:g} of how near training images usually are to each other.",
    ),
    Method(
        name="adherence",
        title="Adherence",
        unit="of the base's",
        better="higher",
        text="How surely images still tell which prompt they were drawn for, by what each prompt changes in the base's "
        "images. 1: as surely as in the base. 0: by chance; the rest of the prompt does nothing.",
    ),
]
