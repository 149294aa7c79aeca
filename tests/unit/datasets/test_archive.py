"""ZIPs from strangers."""

import io
import zipfile

import pytest

from fluxtune.datasets import archive
from fluxtune.datasets.archive import ArchiveRefused, read_archive
from tests.zoo import picture, zip_encrypted, zip_of, zip_that_lies, zip_with_link


def entries(data):
    return list(read_archive(io.BytesIO(data)))


def only_refusal(data):
    (entry,) = entries(data)
    assert entry.content is None
    assert entry.refusal is not None
    assert entry.refusal.action
    return entry.refusal.detail


def test_yields_files_in_order_with_their_folders():
    data = zip_of([("a/1.png", b"one"), ("2.txt", b"two")])
    assert [(entry.name, entry.content) for entry in entries(data)] == [("a/1.png", b"one"), ("2.txt", b"two")]


def test_two_entries_of_one_name_both_come_out():
    data = zip_of([("1.png", b"one"), ("1.png", b"two")])
    assert [entry.content for entry in entries(data)] == [b"one", b"two"]


@pytest.mark.parametrize(
    "name", ["../evil.png", "a/../../evil.png", "/etc/evil.png", "..\\evil.png", "C:\\evil.png", "c:/evil.png"]
)
def test_names_that_point_outside_are_refused(name):
    assert "outside" in only_refusal(zip_of([(name, b"x")]))


def test_links_are_refused():
    assert "link" in only_refusal(zip_with_link("a.png", "/etc/passwd"))


def test_encrypted_entries_are_refused():
    assert "encrypted" in only_refusal(zip_encrypted("a.png", picture(1)))


def test_zips_inside_are_refused():
    assert "ZIP inside" in only_refusal(zip_of([("inner.zip", zip_of([("a.png", b"x")]))]))


def test_a_bomb_is_refused_by_its_ratio():
    assert "suspicious" in only_refusal(zip_of([("a.png", b"\x00" * 5_000_000)]))


def test_a_bomb_that_lies_about_its_size_is_refused():
    detail = only_refusal(zip_that_lies("a.png", b"\x00" * 900_000, 100))
    assert "larger" in detail or "damaged" in detail


def test_small_highly_packed_files_are_fine():
    (entry,) = entries(zip_of([("a.txt", b" " * 100_000)]))
    assert entry.content == b" " * 100_000


def test_an_entry_above_the_limit_is_refused(monkeypatch):
    monkeypatch.setattr(archive, "MAX_ENTRY_BYTES", 1000)
    assert "larger than" in only_refusal(zip_of([("a.png", bytes(range(256)) * 5)], zipfile.ZIP_STORED))


def test_a_total_above_the_limit_ends_the_archive(monkeypatch):
    monkeypatch.setattr(archive, "MAX_TOTAL_BYTES", 1500)
    data = zip_of([("a.png", b"a" * 1000), ("b.png", b"b" * 1000)], zipfile.ZIP_STORED)
    with pytest.raises(ArchiveRefused, match="unpacks to more"):
        entries(data)


def test_too_many_entries_are_refused_unread(monkeypatch):
    monkeypatch.setattr(archive, "MAX_ENTRIES", 3)
    with pytest.raises(ArchiveRefused, match="holds 4 files"):
        entries(zip_of([(f"{number}.txt", b"x") for number in range(4)]))


@pytest.mark.parametrize("data", [b"PK\x03\x04garbage", zip_of([("a.png", b"x" * 500)])[:60], b""])
def test_damaged_archives_are_refused(data):
    with pytest.raises(ArchiveRefused):
        entries(data)


def test_a_damaged_entry_does_not_stop_the_others():
    data = bytearray(zip_of([("a.png", picture(1)), ("b.png", picture(2))]))
    start = data.index(b"a.png") + 5
    data[start + 20 : start + 60] = b"\xaa" * 40
    first, second = entries(bytes(data))
    assert first.refusal is not None
    assert second.content == picture(2)


def test_an_unknown_packing_method_is_refused():
    data = bytearray(zip_of([("a.png", b"x" * 100)], zipfile.ZIP_STORED))
    data[8:10] = b"\x63\x00"
    central = data.index(b"PK\x01\x02")
    data[central + 10 : central + 12] = b"\x63\x00"
    assert "method" in only_refusal(bytes(data))


def test_what_systems_put_there_is_left_out():
    names = ["__MACOSX/._a.png", ".DS_Store", "x/Thumbs.db", "desktop.ini", "sub/._b.jpg"]
    assert entries(zip_of([(name, b"x") for name in names])) == []
