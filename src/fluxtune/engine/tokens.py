"""How many tokens a base makes of a text: counted by its own tokenizer without torch, else estimated."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

_FILES = ("tokenizer_2/tokenizer.json", "tokenizer/tokenizer.json")
"""FLUX.1 has two: CLIP's, of which only a summary is used, and T5's, which reads the prompt."""
_CHARACTERS_PER_TOKEN = 3.6
_TOKENS_PER_WORD = 1.35
"""English captions through the tokenizers of T5, Qwen3 and Mistral make 1.2 to 1.4 tokens of a word."""


def count_tokens(texts: Sequence[str], folder: Path | None) -> tuple[list[int], bool]:
    """Return the tokens of each text, and whether they were counted (else estimated, rather too high than too low)."""
    tokenizer = _tokenizer(folder) if folder is not None else None
    if tokenizer is None:
        return [estimate_tokens(text) for text in texts], False
    return [len(encoded.ids) for encoded in tokenizer.encode_batch(list(texts))], True


def estimate_tokens(text: str) -> int:
    """Return about how many tokens a text has; writing without blanks between words counts by its characters."""
    if not text:
        return 0
    plain = sum(1 for character in text if ord(character) < 0x2E80)
    by_length = plain / _CHARACTERS_PER_TOKEN + (len(text) - plain)
    return max(1, round(max(by_length, len(text.split()) * _TOKENS_PER_WORD)))


@lru_cache(maxsize=4)
def _tokenizer(folder: Path) -> Any:
    """Return a base's tokenizer; None where the library or the file is missing, or the file is not understood."""
    try:
        from tokenizers import Tokenizer  # comes with transformers, so only where bases can be run
    except ImportError:
        return None
    for name in _FILES:
        file = folder / name
        if file.is_file():
            try:
                return Tokenizer.from_file(str(file))
            except Exception:  # it raises plain Exception, whatever is wrong
                return None
    return None
