"""ZIP archives from strangers: every entry is checked before, while and after it is read.

Names inside an archive are labels; nothing is ever written under them.
"""

import re
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from fluxtune.core.errors import FileRefused

MAX_ENTRIES = 5_000
MAX_TOTAL_BYTES = 4 * 1024**3
MAX_ENTRY_BYTES = 200 * 1024**2
MAX_RATIO = 200
"""Text and images shrink 2 to 50 times; a bomb shrinks thousands of times."""
_RATIO_FREE_BYTES = 1024**2
"""Below this size a high ratio is harmless (a blank image packs well)."""
_CHUNK = 1024**2
_IGNORED = re.compile(r"(^|/)(__MACOSX/|\.DS_Store$|Thumbs\.db$|desktop\.ini$|\._[^/]*$)")
_DRIVE = re.compile(r"^[A-Za-z]:")


class ArchiveRefused(FileRefused):
    """The archive as a whole can't be taken."""

    title = "The ZIP can't be used"
    action = "Pack the images again as a plain ZIP, or add the files themselves."


class EntryRefused(FileRefused):
    """One entry of an archive can't be taken."""

    title = "This file of the ZIP can't be used"
    action = "Pack it again without this, or add the file itself."


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of an archive: its bytes, or why it was refused."""

    name: str
    content: bytes | None
    refusal: FileRefused | None


def is_ignored(name: str) -> bool:
    """Return whether operating systems put this file there by themselves."""
    return bool(_IGNORED.search(name.replace("\\", "/")))


def looks_like_zip(head: bytes) -> bool:
    """Return whether the first bytes are those of a ZIP."""
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"))


def read_archive(file: IO[bytes]) -> Iterator[Entry]:
    """Yield the files of an archive one by one; raise ArchiveRefused where going on would be unsafe."""
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as error:
        raise ArchiveRefused("It is damaged, or no ZIP at all.", technical=repr(error)) from error
    with archive:
        infos = [info for info in archive.infolist() if _is_wanted(info.filename)]
        if len(infos) > MAX_ENTRIES:
            raise ArchiveRefused(
                f"It holds {len(infos):,} files; at most {MAX_ENTRIES:,} are accepted.", action="Split it into several."
            )
        left = MAX_TOTAL_BYTES
        for info in infos:
            refusal = _refusal(info)
            if refusal is not None:
                yield Entry(_label(info.filename), None, refusal)
                continue
            try:
                content = _read(archive, info, left)
            except EntryRefused as error:
                yield Entry(_label(info.filename), None, error)
                continue
            left -= len(content)
            yield Entry(_label(info.filename), content, None)


def _is_wanted(name: str) -> bool:
    return not name.replace("\\", "/").endswith("/") and not is_ignored(name)


def _label(name: str) -> str:
    return name.replace("\x00", "")[:300]


def _refusal(info: zipfile.ZipInfo) -> EntryRefused | None:
    name = info.filename.replace("\\", "/")
    if name.startswith("/") or _DRIVE.match(name) or ".." in name.split("/"):
        return EntryRefused("Its name points outside the ZIP.", action="Pack it again with plain folder names.")
    if stat.S_ISLNK(info.external_attr >> 16):
        return EntryRefused("It is a link, not a file.", action="Pack the file that it points to.")
    if info.flag_bits & 0x1:
        return EntryRefused("It is encrypted.", action="Pack it again without a password.")
    if name.lower().endswith(".zip"):
        return EntryRefused("It is a ZIP inside a ZIP.", action="Unpack it and add its files.")
    if info.file_size > MAX_ENTRY_BYTES:
        return EntryRefused(f"It is larger than {MAX_ENTRY_BYTES // 1024**2} MB.", action="Make the image smaller.")
    if info.file_size > _RATIO_FREE_BYTES and info.file_size > MAX_RATIO * max(info.compress_size, 1):
        return EntryRefused("It unpacks to a suspicious size.", action="Add the file itself instead of the ZIP.")
    return None


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, left: int) -> bytes:
    """Read an entry without trusting the size in its header."""
    limit = min(info.file_size, MAX_ENTRY_BYTES)
    parts: list[bytes] = []
    size = 0
    try:
        with archive.open(info) as stream:
            while part := stream.read(_CHUNK):
                size += len(part)
                if size > limit:
                    raise EntryRefused("It is larger than it says.")
                if size > left:
                    raise ArchiveRefused(
                        f"It unpacks to more than {MAX_TOTAL_BYTES // 1024**3} GB.", action="Split it into several."
                    )
                parts.append(part)
    except FileRefused:
        raise
    except NotImplementedError as error:
        raise EntryRefused("It is packed with a method that can't be read.", technical=repr(error)) from error
    except RuntimeError as error:
        raise EntryRefused("It is encrypted.", action="Pack it again without a password.") from error
    except Exception as error:  # zlib, lzma and zipfile raise many kinds on damaged data
        raise EntryRefused("It is damaged.", technical=repr(error)) from error
    return b"".join(parts)
