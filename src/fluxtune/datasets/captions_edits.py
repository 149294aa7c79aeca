"""Changes to many captions at once: pure text, no database. Regular expressions run in a process that can be ended."""

import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field, TypeAdapter

from fluxtune.core.errors import InvalidInput
from fluxtune.datasets.captions import MAX_CAPTION
from fluxtune.engine.captions import has_trigger, without_trigger

MAX_PATTERN = 500
"""Characters of what is looked for and of what takes its place."""
PATTERN_SECONDS = 2.0
"""Time a regular expression gets for all captions together; honest ones take milliseconds."""

Place = Literal["start", "end"]


class ReplaceEdit(BaseModel):
    """Find and replace. `find` is a regular expression as Python writes them when `is_regex` is set."""

    kind: Literal["replace"] = "replace"
    find: str = Field(min_length=1, max_length=MAX_PATTERN)
    replace: str = Field("", max_length=MAX_PATTERN)
    is_regex: bool = False
    match_case: bool = False
    whole_words: bool = False


class AddEdit(BaseModel):
    """Put the same words before or after every caption; `joint` stands between, nothing where there is no caption."""

    kind: Literal["add"] = "add"
    text: str = Field(min_length=1, max_length=MAX_PATTERN)
    place: Place = "start"
    joint: str = Field(", ", max_length=10)
    fill_empty: bool = Field(False, description="Also give images without a caption these words.")


class TriggerEdit(BaseModel):
    """Insert the trigger word where it is missing, move it to the start or end, or take it out."""

    kind: Literal["trigger"] = "trigger"
    action: Literal["insert", "move", "remove"] = "insert"
    place: Place = "start"
    fill_empty: bool = Field(False, description="Also give images without a caption the trigger word alone.")


class TagEdit(BaseModel):
    """Rename one of the comma-separated parts of captions, or remove it where `replace` is empty."""

    kind: Literal["tag"] = "tag"
    tag: str = Field(min_length=1, max_length=MAX_PATTERN)
    replace: str = Field("", max_length=MAX_PATTERN)


CaptionEdit = Annotated[ReplaceEdit | AddEdit | TriggerEdit | TagEdit, Field(discriminator="kind")]


class PatternRefused(InvalidInput):
    """A regular expression is wrong, or takes for ever."""

    title = "The regular expression can't be used"
    action = "Mend the pattern, or turn regular expressions off to look for the words as they stand."


class TriggerUnset(InvalidInput):
    """The dataset has no trigger word."""

    title = "The dataset has no trigger word"
    action = "Choose a trigger word for the dataset first."


def edit_captions(edit: CaptionEdit, captions: Sequence[str], trigger_word: str) -> list[str | None]:
    """Return every caption as the edit leaves it, tidied; None where it would grow beyond what a caption may be.

    Raises PatternRefused and TriggerUnset.
    """
    if isinstance(edit, ReplaceEdit):
        changed = _replace(edit, captions)
    else:
        change = _change_of(edit, trigger_word)
        changed = [change(caption) for caption in captions]
    tidied = [None if text is None else " ".join(text.split()) for text in changed]
    return [None if text is None or len(text) > MAX_CAPTION else text for text in tidied]


def title_of(edit: CaptionEdit, trigger_word: str) -> str:
    """Return what an edit does in a few words, for the history."""
    if isinstance(edit, ReplaceEdit):
        return f"Replace “{_short(edit.find)}” by “{_short(edit.replace)}”" if edit.replace else (
            f"Remove “{_short(edit.find)}”"
        )  # fmt: skip
    if isinstance(edit, AddEdit):
        return f"Put “{_short(edit.text)}” {'in front' if edit.place == 'start' else 'at the end'}"
    if isinstance(edit, TagEdit):
        return f"Rename the tag “{_short(edit.tag)}” to “{_short(edit.replace)}”" if edit.replace else (
            f"Remove the tag “{_short(edit.tag)}”"
        )  # fmt: skip
    where = "to the start" if edit.place == "start" else "to the end"
    return {
        "insert": f"Insert “{trigger_word}” where it is missing",
        "move": f"Move “{trigger_word}” {where}",
        "remove": f"Remove “{trigger_word}”",
    }[edit.action]


def tags_of(caption: str) -> list[str]:
    """Return the comma-separated parts of a caption, without blanks around them."""
    return [tag for tag in (part.strip() for part in caption.split(",")) if tag]


def words_of(caption: str) -> list[str]:
    """Return the words of a caption in lower case; a hyphen or an apostrophe inside belongs to its word."""
    return re.findall(r"[^\W_]+(?:['’-][^\W_]+)*", caption.lower())


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"


def _replace(edit: ReplaceEdit, captions: Sequence[str]) -> list[str | None]:
    pattern = edit.find if edit.is_regex else re.escape(edit.find)
    if edit.whole_words:
        pattern = rf"(?<!\w)(?:{pattern})(?!\w)"
    flags = re.NOFLAG if edit.match_case else re.IGNORECASE
    if edit.is_regex:
        return _replace_apart(pattern, edit.replace, int(flags), captions)
    compiled = re.compile(pattern, flags)
    return [compiled.sub(lambda _: edit.replace, caption) for caption in captions]


def _replace_apart(pattern: str, replace: str, flags: int, captions: Sequence[str]) -> list[str | None]:
    """Run a regular expression in a process of its own: `re` can't be interrupted, and some patterns never end."""
    request = TypeAdapter(dict[str, object]).dump_json(
        {"pattern": pattern, "replace": replace, "flags": flags, "texts": list(captions), "longest": 2 * MAX_CAPTION}
    )
    program = Path(__file__).with_name("captions_patterns.py")
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(program)], input=request, capture_output=True, timeout=PATTERN_SECONDS,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise PatternRefused(
            f"It was not done after {PATTERN_SECONDS:g} seconds; some patterns take longer than the universe.",
            action="Avoid repeats inside repeats, such as (a+)+, and try it again.",
            field="find",
        ) from error
    try:
        answer = TypeAdapter(dict[str, str | list[str | None]]).validate_json(done.stdout)
    except ValueError as error:
        raise PatternRefused(
            "It needs more memory than it may have.",
            field="find",
            technical=done.stderr.decode(errors="replace")[-500:],
        ) from error
    if isinstance(why := answer.get("error"), str):
        raise PatternRefused(why, field=str(answer["field"]))
    texts = answer["texts"]
    return list(texts)


def _change_of(edit: AddEdit | TriggerEdit | TagEdit, trigger_word: str) -> Callable[[str], str]:
    if isinstance(edit, AddEdit):
        return lambda caption: _joined(caption, edit.text, edit.place, edit.joint, edit.fill_empty)
    if isinstance(edit, TagEdit):
        return lambda caption: _retagged(caption, edit.tag, edit.replace)
    if not trigger_word:
        raise TriggerUnset("Nothing can be inserted, moved or removed.", field="trigger_word")
    return lambda caption: _triggered(caption, edit, trigger_word)


def _joined(caption: str, text: str, place: Place, joint: str, fill_empty: bool) -> str:
    if not caption:
        return text.strip() if fill_empty else caption
    return f"{text}{joint}{caption}" if place == "start" else f"{caption}{joint}{text}"


def _triggered(caption: str, edit: TriggerEdit, trigger_word: str) -> str:
    if edit.action == "remove":
        return without_trigger(caption, trigger_word) if has_trigger(caption, trigger_word) else caption
    if edit.action == "insert" and has_trigger(caption, trigger_word):
        return caption
    if edit.action == "move":
        if not has_trigger(caption, trigger_word):
            return caption
        caption = without_trigger(caption, trigger_word)
        if not caption:
            return trigger_word
    return _joined(caption, trigger_word, edit.place, ", ", edit.fill_empty)


def _retagged(caption: str, tag: str, replace: str) -> str:
    """Return the caption with a tag renamed or removed; where it lacks the tag, with its own commas and blanks."""
    tags, wanted, new = tags_of(caption), tag.strip().casefold(), replace.strip()
    if all(each.casefold() != wanted for each in tags):
        return caption
    kept: list[str] = []
    for each in tags:
        renamed = new if each.casefold() == wanted else each
        if renamed and renamed not in kept:
            kept.append(renamed)
    return ", ".join(kept)
