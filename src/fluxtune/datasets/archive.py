"""ZIP archives from strangers: every entry is checked before, while and after it is read.

Names inside an archive are labels; nothing is ever written under them.
"""

import re
import stat
import struct
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Self

from fluxtune.core.errors import FileRefused

MAX_ENTRIES = 25_000
"""Ten thousand images with captions, and room to spare."""
MAX_DIRECTORY_BYTES = 16 * 1024**2
"""The list of contents is read as a whole, before anything in it can be counted."""
MAX_TOTAL_BYTES = 16 * 1024**3
MAX_ENTRY_BYTES = 200 * 1024**2
MAX_RATIO = 200
"""Text and images shrink 2 to 50 times; a bomb shrinks thousands of times."""
_RATIO_FREE_BYTES = 1024**2
"""Below this size a high ratio is harmless (a blank image packs well)."""
_CHUNK = 1024**2
_END_BYTES = 65_535 + 22 + 20 + 56
"""The record at the end with the longest comment, and the two before it that large archives have."""
_LOCAL_HEADER_BYTES = 30
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


class Archive:
    """An archive whose list of contents was found sound. Use as a context manager; `file` stays the caller's."""

    def __init__(self, file: IO[bytes]) -> None:
        """Open it; raises ArchiveRefused where going on would be unsafe."""
        if _directory_bytes(file) > MAX_DIRECTORY_BYTES:
            raise ArchiveRefused("It lists far too many files.", action="Split it into several.")
        try:
            self._zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError, struct.error) as error:
            raise ArchiveRefused("It is damaged, or no ZIP at all.", technical=repr(error)) from error
        infos = [info for info in self._zip.infolist() if _is_wanted(info.filename)]
        if len(infos) > MAX_ENTRIES:
            self._zip.close()
            raise ArchiveRefused(
                f"It holds {len(infos):,} files; at most {MAX_ENTRIES:,} are accepted.", action="Split it into several."
            )
        self._infos = infos
        self._overlapping = _overlapping(infos)
        self._left = MAX_TOTAL_BYTES

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()

    @property
    def names(self) -> list[str]:
        """The names of the files in it, in order."""
        return [info.filename for info in self._infos]

    def read(self, is_wanted: Callable[[str], bool] = lambda name: True) -> Iterator[Entry]:
        """Yield the files whose names are wanted, one by one; raise ArchiveRefused when they are too much together."""
        for info in self._infos:
            if not is_wanted(info.filename):
                continue
            refusal = _refusal(info)
            if refusal is None and info.header_offset in self._overlapping:
                refusal = EntryRefused("It shares its bytes with another file of the ZIP.")
            if refusal is not None:
                yield Entry(_label(info.filename), None, refusal)
                continue
            try:
                content = _read(self._zip, info, self._left)
            except EntryRefused as error:
                yield Entry(_label(info.filename), None, error)
                continue
            self._left -= len(content)
            yield Entry(_label(info.filename), content, None)


def read_archive(file: IO[bytes]) -> Iterator[Entry]:
    """Yield the files of an archive one by one; raise ArchiveRefused where going on would be unsafe."""
    with Archive(file) as archive:
        yield from archive.read()


def _directory_bytes(file: IO[bytes]) -> int:
    """Return how long the list of contents says it is, 0 where none is found (`zipfile` says what is wrong then)."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _END_BYTES))
    tail = file.read(_END_BYTES)
    file.seek(0)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        return 0
    length = int(struct.unpack_from("<I", tail, at + 12)[0])
    if length != 0xFFFFFFFF:
        return length
    wide = tail.rfind(b"PK\x06\x06", 0, at)
    return int(struct.unpack_from("<Q", tail, wide + 40)[0]) if wide >= 0 and len(tail) >= wide + 48 else 0


def _overlapping(infos: Sequence[zipfile.ZipInfo]) -> set[int]:
    """Return where entries begin that lie within another: how a small archive unpacks to terabytes."""
    shared: set[int] = set()
    end, start = -1, -1
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset < end:
            shared |= {start, info.header_offset}
        own_end = info.header_offset + _LOCAL_HEADER_BYTES + info.compress_size
        if own_end > end:
            end, start = own_end, info.header_offset
    return shared


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
