"""Bases as catalogue entries."""

import json

import pytest

from fluxtune.config import load_settings
from fluxtune.models.bases import BaseNotReady, BaseUnknown, as_model, defaults_of, get_base, list_bases, require_ready
from tests.zoo import make_base, weights_of


@pytest.fixture
def studio(tmp_path):
    """Settings of a studio, its folders made."""
    settings = load_settings(tmp_path / "data")
    settings.paths.create()
    return settings


def names(settings):
    return [base.name for base in list_bases(settings)]


def test_the_shipped_base_is_always_there(studio):
    assert "pocket" in names(studio)


def test_folders_of_the_data_folder(studio):
    make_base(studio.paths.bases, "mine")
    assert "mine" in names(studio)


def test_folders_of_the_settings_are_called_as_the_settings_say(tmp_path, studio):
    folder = make_base(tmp_path, "elsewhere")
    settings = load_settings(studio.data, engine={"bases": {"big": folder, "wrong": tmp_path / "nothing"}})
    assert {"big"} <= set(names(settings))
    assert {"wrong", "elsewhere"}.isdisjoint(names(settings))


def test_weights_that_arrive_later_are_noticed(studio):
    folder = make_base(studio.paths.bases, "late", complete=False)
    with pytest.raises(BaseNotReady):
        require_ready(get_base(studio, "late"))
    for part in ("transformer", "vae", "text_encoder"):
        (folder / part / "model.safetensors").write_bytes(weights_of())
    assert require_ready(get_base(studio, "late")).is_ready


def test_changed_facts_are_noticed(studio):
    folder = make_base(studio.paths.bases, "mine")
    assert get_base(studio, "mine").title == "Base mine"
    facts = json.loads((folder / "fluxtune.json").read_text()) | {"title": "Renamed"}
    (folder / "fluxtune.json").write_text(json.dumps(facts))
    assert get_base(studio, "mine").title == "Renamed"


def test_broken_folders_are_left_out(studio):
    folder = make_base(studio.paths.bases, "mine")
    (folder / "model_index.json").write_text("no json")
    assert "mine" not in names(studio)


def test_an_unknown_base_names_those_there_are(studio):
    with pytest.raises(BaseUnknown, match="pocket"):
        get_base(studio, "nope")


def test_as_model(studio):
    make_base(studio.paths.bases, "mine")
    model = as_model(get_base(studio, "mine"), 3, None)
    assert (model.id, model.kind, model.image_count, model.versions) == ("mine", "base", 3, [])


def test_defaults_of_a_base_that_is_gone():
    assert defaults_of(None).width == 1024
