"""Published bases: listed while absent, with the command that gets them; nothing asks the network."""

import json
import shlex
import socket

import pytest

from fluxtune.config import load_settings
from fluxtune.core.errors import NotReady
from fluxtune.engine.bases import describe_base, require_base
from fluxtune.engine.known_bases import DEFAULT_ON_GPU, KNOWN, KnownBase, hub_cache, in_hub_cache, known_base
from fluxtune.engine.memory import Machine, resolve
from fluxtune.engine.recipes import recipe_for
from fluxtune.models.bases import BaseNotReady, get_base, list_bases, list_entries, require_ready
from tests.zoo import make_base, weights_of

CPU = Machine("cpu", 2**34, 4, 2**40)
GPU = Machine("cuda", 24 * 2**30, 16, 2**40, can_quantize=True)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """A Hugging Face home of the test's own, and no way out."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_TOKEN", "HF_TOKEN_PATH", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))

    def refuse(*args, **kwargs):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def studio(tmp_path):
    """Settings of a studio, its folders made."""
    settings = load_settings(tmp_path / "data")
    settings.paths.create()
    return settings


def published(name: str) -> KnownBase:
    """Return a published base that must be known."""
    known = known_base(name)
    assert known is not None
    return known


def without_name(folder):
    """Take the name out of a base's own facts, so that its folder names it."""
    facts = json.loads((folder / "fluxtune.json").read_text())
    del facts["name"]
    (folder / "fluxtune.json").write_text(json.dumps(facts))
    return folder


def entry(settings, name, machine=CPU):
    return next(each for each in list_entries(settings, machine) if each.name == name)


def test_every_known_base_is_complete():
    assert len({known.name for known in KNOWN}) == len(KNOWN)
    for known in KNOWN:
        assert known.name == known.repository.rpartition("/")[2].lower().replace(".", "")
        assert known.train_on is None or published(known.train_on).training == "yes"
        assert (known.training == "yes") == (known.train_on is None)
        assert 10e9 < known.size_bytes < 150e9
    assert published(DEFAULT_ON_GPU).is_free_commercially
    assert [known.name for known in KNOWN if not known.is_gated] == ["flux2-klein-base-4b", "flux2-klein-4b"]


def test_absent_ones_are_listed_with_the_command(studio):
    found = {each.name: each for each in list_entries(studio, CPU)}
    assert {"pocket"} | {known.name for known in KNOWN} <= set(found)
    klein = found["flux2-klein-base-4b"]
    assert (klein.source, klein.is_ready, klein.is_gated, klein.is_free_commercially) == ("absent", False, False, True)
    words = shlex.split(klein.command)
    assert words[:3] == ["hf", "download", "black-forest-labs/FLUX.2-klein-base-4B"]
    assert words[words.index("--local-dir") + 1] == str(studio.paths.bases / "flux2-klein-base-4b")
    assert (klein.how_to_get or "").startswith("Run: hf download")
    assert "16 GB" in (klein.missing or "")
    assert 2e9 < klein.memory.train_least_bytes < 12e9 < klein.memory.train_bytes < 40e9
    assert list_entries(studio, CPU)[0].name == "pocket"


def test_a_small_base_needs_what_its_plan_says(studio):
    memory = entry(studio, "pocket").memory
    base = get_base(studio, "pocket")
    recipe = recipe_for("character", "balanced", base, 20)
    planned = resolve(recipe, base, Machine("cpu", 8 * 2**30, 2, 2**40)).memory_bytes
    assert (memory.train_least_bytes, memory.train_bytes) == tuple(map(round, planned))
    assert memory.train_bytes < 1e9
    assert memory.generate_bytes <= memory.train_bytes


def test_gated_ones_say_what_to_accept_and_whether_to_sign_in(studio, tmp_path):
    text = entry(studio, "flux2-dev").how_to_get or ""
    assert text.startswith(
        "Accept its licence on https://huggingface.co/black-forest-labs/FLUX.2-dev, then run `hf auth"
    )
    (tmp_path / "hf").mkdir()
    (tmp_path / "hf" / "token").touch()
    assert "hf auth login" not in (entry(studio, "flux2-dev").how_to_get or "hf auth login")


def test_choosing_an_absent_base_carries_the_command(studio):
    with pytest.raises(BaseNotReady, match="not on this computer") as caught:
        get_base(studio, "flux2-klein-base-4b")
    assert "hf download black-forest-labs/FLUX.2-klein-base-4B" in caught.value.action


def test_a_folder_without_its_weights_carries_the_command(studio):
    make_base(studio.paths.bases, "flux2-klein-base-4b", complete=False)
    with pytest.raises(BaseNotReady, match="no weights") as caught:
        require_ready(get_base(studio, "flux2-klein-base-4b"))
    assert str(studio.paths.bases / "flux2-klein-base-4b") in caught.value.action
    one = entry(studio, "flux2-klein-base-4b")
    assert (one.source, one.is_ready, one.size_bytes) == ("folder", False, published("flux2-klein-base-4b").size_bytes)
    assert one.command
    with pytest.raises(NotReady, match="no weights") as engine:
        require_base(studio.paths.bases / "flux2-klein-base-4b")
    assert "hf download" in engine.value.action


def test_the_download_of_a_refused_licence_is_recognised(studio):
    folder = make_base(studio.paths.bases, "flux2-dev")
    (folder / "transformer" / "model.safetensors").write_text(
        "<!DOCTYPE html><html>Access to model is restricted</html>"
    )
    missing = entry(studio, "flux2-dev").missing
    assert "web page" in missing
    assert "licence was not accepted" in missing


def test_the_hugging_face_cache_is_looked_into(studio, tmp_path):
    known = published("flux1-schnell")
    assert in_hub_cache(known) is None
    snapshots = hub_cache() / "models--black-forest-labs--FLUX.1-schnell" / "snapshots"
    without_name(make_base(snapshots, "abc"))
    base = get_base(studio, "flux1-schnell")
    assert base.is_ready
    assert base.path == snapshots / "abc"
    assert entry(studio, "flux1-schnell").source == "cache"
    make_base(studio.paths.bases, "flux1-schnell")
    assert get_base(studio, "flux1-schnell").path.parent == studio.paths.bases
    assert [each.name for each in list_bases(studio)].count("flux1-schnell") == 1


def test_a_snapshot_is_called_by_its_repository(tmp_path):
    folder = without_name(make_base(tmp_path / "models--black-forest-labs--FLUX.2-klein-4B" / "snapshots", "abc"))
    assert describe_base(folder).name == "flux2-klein-4b"


def test_known_names_have_known_licences(studio):
    make_base(studio.paths.bases, "flux2-klein-base-9b", licence=None, title=None)
    base = get_base(studio, "flux2-klein-base-9b")
    assert (base.title, base.licence) == ("FLUX.2 klein base 9B", "FLUX Non-Commercial License")


def test_the_default_is_pocket_until_klein_is_there_and_a_gpu(studio):
    def default(machine):
        return [each.name for each in list_entries(studio, machine) if each.is_default]

    assert default(CPU) == default(GPU) == ["pocket"]
    make_base(studio.paths.bases, "flux2-klein-base-4b")
    assert default(CPU) == ["pocket"]
    assert default(GPU) == ["flux2-klein-base-4b"]


def test_files_that_are_no_bases_are_listed_with_the_reason(studio):
    (studio.paths.bases / "model.ckpt").write_bytes(b"PK\x03\x04" + b"\x00" * 40)
    (studio.paths.bases / "other.safetensors").write_bytes(weights_of())
    (studio.paths.bases / "notes.txt").write_text("nothing")
    found = {each.title: each for each in list_entries(studio, CPU)}
    assert "pickle" in (found["model.ckpt"].missing or "")
    assert "no transformer of FLUX" in (found["other.safetensors"].missing or "")
    assert not found["other.safetensors"].is_ready
    assert "notes.txt" not in found
    assert {"model", "other"}.isdisjoint(base.name for base in list_bases(studio))
