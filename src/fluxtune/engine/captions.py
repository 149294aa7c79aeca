"""The trigger word in captions and prompts. Pure text: no torch, no files."""

import re

PLACEHOLDER = "[trigger]"


def has_trigger(text: str, trigger_word: str) -> bool:
    """Is the trigger word in the text, as a word of its own, in upper or lower case?"""
    return bool(trigger_word) and re.search(_as_word(trigger_word), text, re.IGNORECASE) is not None


def with_trigger(caption: str, trigger_word: str) -> str:
    """Return the caption as it is trained: `[trigger]` filled in, and the trigger word in front if it is missing.

    Doing it twice changes nothing. An empty trigger word only removes the placeholder.
    """
    trigger_word = trigger_word.strip()
    text = fill_trigger(caption, trigger_word)
    if not trigger_word or has_trigger(text, trigger_word):
        return text
    return f"{trigger_word}, {text}" if text else trigger_word


def fill_trigger(prompt: str, trigger_word: str) -> str:
    """Return the prompt with `[trigger]` replaced by the trigger word, and spaces tidied; nothing is added.

    Where there is no trigger word, the placeholder and the space around it go.
    """
    filled = prompt.replace(PLACEHOLDER, trigger_word.strip())
    return re.sub(r"\s+", " ", filled).strip(" ,")


def without_trigger(text: str, trigger_word: str) -> str:
    """Return a caption with the trigger word taken out wherever it stands, and commas and spaces tidied."""
    trigger_word = trigger_word.strip()
    if trigger_word:
        text = re.sub(_as_word(trigger_word), "", text, flags=re.IGNORECASE)
    return re.sub(r"\s*,(\s*,)*", ",", re.sub(r"\s+", " ", text)).strip(" ,")


def _as_word(trigger_word: str) -> str:
    return rf"(?<!\w){re.escape(trigger_word.strip())}(?!\w)"
