"""Rules of the dataset check about captions and the trigger word."""

import re
from collections import Counter

from fluxtune.datasets.check_limits import USUAL_TOKENS
from fluxtune.datasets.check_rules import CheckedImage, Rules, count, finding
from fluxtune.datasets.schemas import Finding
from fluxtune.engine.captions import PLACEHOLDER, has_trigger
from fluxtune.engine.tokens import count_tokens

_ALIKE_FROM = 3


def trigger_unset(rules: Rules) -> Finding | None:
    """No trigger word."""
    if not rules.images or rules.trigger or rules.mode == "general":
        return None
    return finding(
        "trigger_missing",
        "warning",
        "The dataset has no trigger word, so nothing in a prompt will call up what was learnt.",
        "Choose a made-up word that is no other word's beginning, such as “zorbit”.",
    )


def missing(rules: Rules) -> Finding | None:
    """Images without a caption."""
    ids = [image.id for image in rules.images if not image.caption]
    if not ids:
        return None
    return finding(
        "caption_missing",
        "warning" if rules.mode == "general" else "hint",
        f"{count(len(ids))} {'has' if len(ids) == 1 else 'have'} no caption.",
        "Say what else is in the image (place, light, pose), so that it isn't taken for the subject.",
        ids,
        fix="caption_with_trigger" if rules.trigger else None,
    )


def identical(rules: Rules) -> Finding | None:
    """Captions that say the same of different images."""
    counts = Counter(image.caption for image in rules.images if image.caption)
    ids = [image.id for image in rules.images if counts[image.caption] >= _ALIKE_FROM]
    if not ids:
        return None
    return finding(
        "caption_identical",
        "hint",
        f"{count(len(ids))} share their caption with others.",
        "Say what differs between them; what captions don't mention is learnt as the subject.",
        ids,
    )


def too_long(rules: Rules) -> Finding | None:
    """Captions of which the text encoder reads the beginning only."""
    limit, long, is_counted = long_ones(rules)
    if not long:
        return None
    about = "" if is_counted else "about "
    whom = f"{rules.base.title} reads" if rules.base else "the text encoder reads"
    return finding(
        "caption_too_long",
        "warning",
        f"{count(len(long), 'caption')} {'has' if len(long) == 1 else 'have'} {about}more than the {limit} tokens "
        f"{whom}{'' if is_counted else ' (estimated from words)'}; the rest would be cut off.",
        "Shorten to what is seen.",
        [image.id for image in long],
        fix="shorten_captions",
    )


def trigger_missing(rules: Rules) -> Finding | None:
    """Captions without the trigger word."""
    if not rules.trigger:
        return None
    ids = [
        image.id
        for image in rules.images
        if image.caption and PLACEHOLDER not in image.caption and not has_trigger(image.caption, rules.trigger)
    ]
    if not ids:
        return None
    return finding(
        "trigger_missing",
        "hint",
        f"{count(len(ids), 'caption')} {'does' if len(ids) == 1 else 'do'} not contain “{rules.trigger}”.",
        "Nothing needs to be done: the training puts it in front. Write it in for a better sentence.",
        ids,
        fix="insert_trigger",
    )


def trigger_doubled(rules: Rules) -> Finding | None:
    """Captions that say the trigger word more than once."""
    if not rules.trigger:
        return None
    word = re.compile(rf"(?<!\w){re.escape(rules.trigger)}(?!\w)", re.IGNORECASE)
    ids = [
        image.id for image in rules.images if len(word.findall(image.caption)) + image.caption.count(PLACEHOLDER) > 1
    ]
    if not ids:
        return None
    return finding(
        "trigger_doubled",
        "hint",
        f"{count(len(ids), 'caption')} say{'s' if len(ids) == 1 else ''} “{rules.trigger}” more than once.",
        "Once is enough; more binds the word to whatever stands beside it.",
        ids,
        fix="single_trigger",
    )


def long_ones(rules: Rules) -> tuple[int, list[CheckedImage], bool]:
    """Return the limit in tokens, the images whose captions are longer, and whether tokens were counted."""
    base = rules.base
    limit = rules.limits.caption_tokens or (base.max_tokens if base else USUAL_TOKENS)
    # No tokenizer makes more tokens than there are bytes, so most captions need not be counted.
    suspects = [image for image in rules.images if len(image.caption.encode()) > limit]
    counts, is_counted = count_tokens([each.caption for each in suspects], base.folder if base else None)
    return limit, [each for each, tokens in zip(suspects, counts, strict=True) if tokens > limit], is_counted


RULES = (trigger_unset, missing, identical, too_long, trigger_missing, trigger_doubled)
