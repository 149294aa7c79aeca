"""Hostile and broken files of every kind: each refused alone, with a reason beside its name; the rest goes on.

All of them are made here. What they would do, if they were believed: fill the memory or the disk, write outside the
data folder, run as a page, or bring the upload down.
"""

import io
import struct
import zipfile
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from fluxtune.datasets.archive import ArchiveRefused, read_archive
from fluxtune.datasets.importer import Found, from_bytes, import_files, read_found, worker_count
from fluxtune.images.service import store_content
from fluxtune.storage import Blobs
from tests.makers import state_of
from tests.zoo import drawing, encode, heic, picture, png_bomb, zip_encrypted, zip_of, zip_that_lies, zip_with_link

GOOD = picture(1)


@pytest.fixture
def client(shared_client):
    """A signed-in browser."""
    return shared_client


@pytest.fixture
def dataset(client):
    """An empty dataset."""
    return client.post("/api/datasets", json={}).json()["id"]


def send(client, dataset, *files):
    response = client.post(f"/api/datasets/{dataset}/images", files=[("files", file) for file in files])
    assert response.status_code == 200, response.text
    return response.json()


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width, height, depth=8, colour=2, body=b"", first=b"\x89PNG\r\n\x1a\n", extra=b""):
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return first + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b"")


def noise(form, **options):
    return encode(Image.effect_noise((64, 64), 90).convert("RGB"), form, **options)


def overlapping(count=50):
    """Return a ZIP whose entries are one and the same bytes, listed again and again."""
    data = bytearray(zip_of([("a.png", GOOD)], zipfile.ZIP_STORED))
    start = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    entry = bytes(data[start:end])
    entries = b"".join(entry.replace(b"a.png", f"{number:05}"[:5].encode()) for number in range(count))
    tail = bytearray(data[end:])
    struct.pack_into("<HHI", tail, 8, count, count, len(entries))
    return bytes(data[:start]) + entries + bytes(tail)


def with_directory_of(size):
    """Return a ZIP that claims a list of contents of very many bytes."""
    data = bytearray(zip_of([("a.png", GOOD)]))
    struct.pack_into("<I", data, data.index(b"PK\x05\x06") + 12, size)
    return bytes(data)


def tiff_loop():
    """Return a TIFF whose directory says that the next one is itself, and whose strip lies far outside."""
    tags = [(256, 3, 1, 8), (257, 3, 1, 8), (258, 3, 1, 8), (262, 3, 1, 1), (273, 4, 1, 10**8), (279, 4, 1, 64)]
    body = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags) + struct.pack("<I", 8)
    return b"II*\x00" + struct.pack("<I", 8) + body


# Images cut off: at every boundary of what their formats put first, and in the middle.
CUTS = {
    f"{form} cut at {place}": (f"cut.{form.lower()}", data[:place])
    for form, data, places in [
        ("PNG", noise("PNG"), (4, 8, 12, 16, 24, 29, 33, 37, 41, 60, 2000)),
        ("JPEG", noise("JPEG"), (2, 3, 4, 6, 11, 20, 21, 89, 158, 177, 250, 620, 900)),
        ("WEBP", noise("WEBP", quality=90), (4, 8, 12, 15, 20, 26, 30, 400)),
        ("GIF", noise("GIF"), (3, 6, 10, 13, 100, 781, 790, 900)),
        ("BMP", noise("BMP"), (2, 10, 14, 18, 30, 54, 400)),
        ("TIFF", noise("TIFF"), (4, 8, 12, 300)),
        ("AVIF", noise("AVIF"), (8, 12, 24, 100, 300)),
        ("HEIF", heic(Image.effect_noise((64, 64), 90).convert("RGB")), (8, 12, 24, 100, 400)),
    ]
    for place in places
}

IMAGES = {
    "no bytes": ("empty.png", b""),
    "one byte": ("one.png", b"\x89"),
    "zero bytes only": ("zeros.jpg", b"\x00" * 5_000),
    "wrong magic": ("magic.png", b"\x88PNG\r\n\x1a\n" + GOOD[8:]),
    "line ends mangled by FTP": ("ftp.png", GOOD.replace(b"\r\n", b"\n", 1)),
    "bomb of pixels": ("bomb.png", png_bomb(60_000, 60_000)),
    "bomb on one row": ("row.png", png_bomb(2**31 - 1, 1)),
    "bomb of a GIF": ("bomb.gif", b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0, 0, 0) + b";"),
    "bomb of a BMP": (
        "bomb.bmp",
        b"BM" + struct.pack("<IHHIIiiHHIIiiII", 0, 0, 0, 54, 40, 60_000, 60_000, 1, 24, 0, 0, 0, 0, 0, 0),
    ),
    "bomb of a TIFF": (
        "bomb.tif",
        tiff_loop().replace(struct.pack("<HHII", 256, 3, 1, 8), struct.pack("<HHII", 256, 4, 1, 2**31)),
    ),
    "no width": ("flat.png", png(0, 10)),
    "no height": ("thin.png", png(10, 0)),
    "unheard-of colour type": ("colour.png", png(4, 4, colour=5)),
    "less data than pixels": ("short.png", png(400, 400, body=b"\x00" * 10)),
    "a text bomb beside the pixels": (
        "text.png",
        png(4, 4, body=b"", extra=chunk(b"zTXt", b"k\x00\x00" + zlib.compress(b"x" * 30_000_000))),
    ),
    "data that is no deflate": (
        "deflate.png",
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", b"nonsense"),
    ),
    "a TIFF that runs in circles": ("loop.tif", tiff_loop()),
    "vector graphics": (
        "logo.png",
        b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    ),
    "a page": ("page.jpg", b"<!DOCTYPE html><script>alert(1)</script>"),
    "a page behind blanks": ("page.gif", b"\n\n  <html><body onload=alert(1)>"),
    "PostScript": ("run.png", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run"),
    "a PDF": ("paper.png", b"%PDF-1.7\n1 0 obj"),
    "a program": ("run.jpg", b"\x7fELF" + b"\x00" * 500),
    "a film": ("film.heic", b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 200),
    "an AVIF that is none": ("none.avif", b"\x00\x00\x00\x1cftypavif" + b"\x00" * 200),
    "a HEIC that is none": ("none.heic", b"\x00\x00\x00\x18ftypheic" + b"\x00" * 200),
    "weights": ("model.safetensors", b"x" * 100),
    "a name of 300 characters": ("n" * 300 + ".png", b"nothing"),
    "a name Windows keeps for itself": ("CON.png", b"nothing"),
    "another": ("aux", b"nothing"),
    "a name with a stream": ("a.png:hidden", b"nothing"),
}

TEXTS = {
    "a caption of 10 MB": ("good.txt", b"x" * 10_000_000),
    "a caption with NUL": ("good.txt", b"a cat\x00 there"),
    "a caption of control characters": ("good.txt", b"a cat \x1b[2J there"),
    "a caption in no encoding": ("good.caption", b"\x81\x8d\x8f"),
    "half a UTF-16": ("good.txt", b"\xff\xfea"),
    "JSON that nests for ever": ("good.json", b"[" * 100_000),
    "metadata without rows": ("metadata.jsonl", b"nothing"),
    "metadata of a row of lists": ("metadata.jsonl", b'{"file_name": ["a.png"], "text": "x"}'),
    "metadata that climbs": ("metadata.jsonl", b'{"file_name": "../../../etc/passwd", "text": "x"}'),
    "a table without names": ("metadata.csv", b"a,b,c\n1,2,3\n"),
}

ARCHIVES = {
    "a ZIP that is none": ("pack.zip", b"PK\x03\x04 not really"),
    "half a ZIP": ("half.zip", zip_of([("a.png", GOOD)] * 3)[:300]),
    "a ZIP without its end": ("end.zip", zip_of([("a.png", GOOD)])[:-12]),
    "a name that climbs": ("climb.zip", zip_of([("../../evil.png", GOOD)])),
    "a name that climbs backwards": ("back.zip", zip_of([("..\\..\\evil.png", GOOD)])),
    "an absolute name": ("absolute.zip", zip_of([("/etc/evil.png", GOOD)])),
    "a drive": ("drive.zip", zip_of([("C:\\evil.png", GOOD)])),
    "a ZIP bomb": ("bomb.zip", zip_of([("zeros.png", b"\x00" * 20_000_000)])),
    "a ZIP that lies": ("liar.zip", zip_that_lies("a.png", b"\x00" * 900_000, 50)),
    "a ZIP in a ZIP": ("nest.zip", zip_of([("inner.zip", zip_of([("a.png", GOOD)]))])),
    "a ZIP in a ZIP in disguise": ("mask.zip", zip_of([("inner.png", zip_of([("a.png", GOOD)]))])),
    "a link": ("link.zip", zip_with_link("a.png", "/etc/passwd")),
    "a locked ZIP": ("locked.zip", zip_encrypted("a.png", GOOD)),
    "entries that share their bytes": ("overlap.zip", overlapping()),
    "a list of contents of 4 GB": ("list.zip", with_directory_of(2**32 - 2)),
    "50,000 entries": ("many.zip", zip_of([(f"{number}.png", b"") for number in range(50_000)], zipfile.ZIP_STORED)),
}

ZOO = {**CUTS, **IMAGES, **TEXTS, **ARCHIVES}


def test_there_are_enough_of_them():
    assert len(ZOO) >= 60


@pytest.mark.parametrize("group", [CUTS, IMAGES, TEXTS, ARCHIVES], ids=["cuts", "images", "texts", "archives"])
def test_each_is_refused_alone_with_a_reason_and_the_good_is_taken(client, dataset, group):
    inside = state_of(client).settings.paths.data.resolve()
    files = [(f"{number:03}/{name}", content) for number, (name, content) in enumerate(group.values())]
    report = send(client, dataset, *files, ("good.png", GOOD))
    assert [image["name"] for image in report["added"]] == ["good.png"]
    for (name, _), animal in zip(files, group, strict=True):
        refusals = [each for each in report["refused"] if each["name"].startswith(name[:4]) or len(name) > 300]
        assert refusals, animal
        for refusal in refusals:
            assert len(refusal["reason"]) > 15, animal
            assert refusal["action"], animal
    assert not list(inside.parent.rglob("evil.png"))


def test_50_000_entries_are_told_by_their_number(client, dataset):
    (refusal,) = send(client, dataset, ARCHIVES["50,000 entries"])["refused"]
    assert "50,000" in refusal["reason"]


def test_what_waits_to_be_decoded_is_bounded():
    alive = most = 0

    def found():
        nonlocal alive, most
        for number in range(60):
            alive += 1
            most = max(most, alive)
            yield Found(f"{number}.png", GOOD)

    def keep(content):
        nonlocal alive
        alive -= 1
        return store_content(Blobs.in_memory(), content)

    assert len(read_found(found(), keep).images) == 60
    assert most <= 5 * worker_count() + 2


class TestOddButGood:
    """What looks strange and is fine."""

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("line.png", encode(Image.new("RGB", (1, 10_000), "red"))),
            (
                "animated.gif",
                encode(
                    Image.new("RGB", (40, 30), "red"),
                    "GIF",
                    save_all=True,
                    append_images=[Image.new("RGB", (40, 30), "blue")] * 30,
                ),
            ),
            (
                "animated.webp",
                encode(
                    Image.new("RGB", (40, 30), "red"),
                    "WEBP",
                    save_all=True,
                    append_images=[Image.new("RGB", (40, 30), "blue")],
                ),
            ),
            (
                "animated.png",
                encode(
                    Image.new("RGB", (40, 30), "red"),
                    "PNG",
                    save_all=True,
                    append_images=[Image.new("RGB", (40, 30), "blue")],
                ),
            ),
            ("exif.jpg", encode(drawing(2), "JPEG", exif=b"Exif\x00\x00MM\x00*\x00\x00\xff\xff")),
            (
                "far.jpg",
                encode(
                    drawing(3),
                    "JPEG",
                    exif=b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\xff\xff\xff\xff\x00\x00\x00\x7f",
                ),
            ),
            ("profile.png", encode(drawing(4), "PNG", icc_profile=b"no profile")),
            ("behind.png", picture(5) + b"PK\x03\x04 something behind"),
            ("COM1.png", picture(6)),
            ("trailing dot. .png", picture(7)),
            ("\u202egnp.exe", picture(8)),
        ],
    )
    def test_is_taken(self, client, dataset, name, content):
        report = send(client, dataset, (name, content))
        assert report["refused"] == []
        assert len(report["added"]) == 1


@given(
    st.lists(st.tuples(st.text(max_size=12), st.one_of(st.binary(max_size=80), st.just(GOOD))), max_size=4),
    st.integers(0, 10_000),
    st.binary(max_size=3),
)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_zip_ends_in_images_or_reasons(entries, place, noise_bytes):
    data = bytearray(zip_of([(name.replace("\x00", "") or "a", content) for name, content in entries]))
    place %= len(data)
    data[place : place + len(noise_bytes)] = noise_bytes
    blobs = Blobs.in_memory()
    result = import_files([from_bytes("x.zip", bytes(data))], lambda content: store_content(blobs, content))
    assert all(each.reason and each.action for each in result.refused)
    assert all(".." not in image.name.split("/") and not image.name.startswith("/") for image in result.images)


def test_streams_that_are_no_files_are_read_once():
    with pytest.raises(ArchiveRefused):
        list(read_archive(io.BytesIO(b"")))
