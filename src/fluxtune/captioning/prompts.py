"""What captioners are asked, by what a dataset teaches.

What a caption names is not learnt as part of the trigger word, so each mode asks for everything but its own subject.
"""

from sqlalchemy.orm import Session

from fluxtune.captioning import repository
from fluxtune.captioning.schemas import CaptionPrompt
from fluxtune.captioning.tables import CaptionPromptRow
from fluxtune.core.text import clean_text
from fluxtune.engine.captions import PLACEHOLDER
from fluxtune.engine.config import Mode

_END = "Answer with one plain sentence of at most 40 words and nothing else: no preamble, no quotes, no guesses."
USUAL: dict[Mode, str] = {
    "character": f"Describe this image. Call the main figure “{PLACEHOLDER}”. Say what it does, its expression and "
    f"clothes, where it is, the light and the framing; leave out its face, hair and build. {_END}",
    "product": f"Describe this image. Call the product “{PLACEHOLDER}”. Say where it stands, from which side it is "
    f"seen, what is around it and the light; leave out its own shape, colours and material. {_END}",
    "style": "Describe what this image shows: the things in it, what they do and how they are arranged. Leave out how "
    f"it is drawn, painted or photographed. {_END}",
    "general": f"Describe this image: what is in it, what it does, where, the light and the framing. {_END}",
}
_NOUNS: dict[Mode, str] = {
    "character": "the figure", "product": "the product", "style": "the style", "general": "the subject",
}  # fmt: skip


def list_prompts(session: Session) -> list[CaptionPrompt]:
    """Return the prompt of every mode."""
    edited = repository.list_prompts(session)
    return [CaptionPrompt(mode=mode, text=edited.get(mode, usual), usual=usual) for mode, usual in USUAL.items()]


def set_prompt(session: Session, mode: Mode, text: str) -> CaptionPrompt:
    """Keep another prompt for a mode; an empty one brings the usual back."""
    row, text = repository.find_prompt(session, mode), clean_text(text)
    if not text or text == USUAL[mode]:
        if row is not None:
            repository.remove(session, row)
        text = USUAL[mode]
    elif row is None:
        repository.add(session, CaptionPromptRow(mode=mode, text=text))
    else:
        row.text = text
    return CaptionPrompt(mode=mode, text=text, usual=USUAL[mode])


def prompt_for(text: str, mode: Mode, trigger_word: str) -> str:
    """Return a prompt as it is asked: with the trigger word, or where there is none with words for what is taught."""
    if trigger_word:
        return text.replace(PLACEHOLDER, trigger_word)
    return text.replace(f"“{PLACEHOLDER}”", _NOUNS[mode]).replace(PLACEHOLDER, _NOUNS[mode])
