"""Caption files: from bytes of unknown encoding to text, or to a sentence that says why not."""

from dataclasses import dataclass

from fluxtune.core.errors import FileRefused

MAX_CAPTION = 4_000
"""Characters; far beyond what any text encoder reads."""
MAX_CAPTION_BYTES = 64_000
"""More than 4,000 characters in any encoding, so larger files need no reading."""


class CaptionUnreadable(FileRefused):
    """The file holds no text."""

    title = "The caption can't be read"
    action = "Save it as plain text in UTF-8, then add it again."


class CaptionTooLong(FileRefused):
    """The text is longer than a caption may be."""

    title = "The caption is too long"
    action = f"Shorten it to {MAX_CAPTION:,} characters."


@dataclass(frozen=True, slots=True)
class Caption:
    """The text of a caption file, and a note when its encoding had to be guessed."""

    text: str
    note: str | None


def read_caption(data: bytes) -> Caption:
    """Return the caption in `data`; raise FileRefused with the reason."""
    if len(data) > MAX_CAPTION_BYTES:
        raise CaptionTooLong(f"It has {len(data):,} bytes; a caption has at most {MAX_CAPTION:,} characters.")
    text, note = _decode(data)
    # Line ends and runs of blanks have no meaning in a caption; one line is what the trainer reads.
    text = " ".join(text.split())
    if not text:
        raise CaptionUnreadable("It is empty.", action="Write what the image shows, then add it again.")
    if any(ord(character) < 32 for character in text):
        raise CaptionUnreadable("It holds control characters, so it is not plain text.")
    if len(text) > MAX_CAPTION:
        raise CaptionTooLong(f"It has {len(text):,} characters; a caption has at most {MAX_CAPTION:,}.")
    return Caption(text, note)


def _decode(data: bytes) -> tuple[str, str | None]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return data.decode("utf-16"), "was read as UTF-16"
        except UnicodeDecodeError as error:
            raise CaptionUnreadable("It says that it is UTF-16, but it isn't.") from error
    if b"\x00" in data:
        raise CaptionUnreadable("It is binary, not text.")
    try:
        return data.decode("utf-8-sig"), None
    except UnicodeDecodeError:
        pass
    try:
        return data.decode("cp1252"), "was read as Windows-1252; check accents and quotes"
    except UnicodeDecodeError as error:
        raise CaptionUnreadable("Its encoding is neither UTF-8, UTF-16 nor Windows-1252.") from error
