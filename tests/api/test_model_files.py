"""LoRA files in and out of the catalogue over HTTP, its fields, and lists of a thousand."""

import io
import time

import pytest

from fluxtune.core.clock import now
from fluxtune.core.ids import new_id
from fluxtune.engine.lora_files.keys import TITLES
from fluxtune.engine.lora_files.reading import recognise_lora
from fluxtune.models.tables import ModelRow, ModelVersionRow
from tests.loras import kohya_lora, pocket_lora
from tests.makers import add_model, state_of
from tests.zoo import picture

MODELSPEC = {
    "modelspec.title": "Rex the dog", "modelspec.trigger_phrase": "rexo", "modelspec.tags": "Dog, pet",
    "modelspec.author": "Ann", "modelspec.license": "CC-BY-4.0", "modelspec.description": "A dog.",
}  # fmt: skip


@pytest.fixture
def client(shared_client):
    """A signed-in browser."""
    return shared_client


def send(client, content, filename="rex_v1.safetensors", /, **form):
    return client.post("/api/models/imports", files={"file": (filename, io.BytesIO(content))}, data=form)


def imported(client, folder, make=pocket_lora, metadata=None, **form):
    response = send(client, make(folder / "made.safetensors", metadata).read_bytes(), **form)
    assert response.status_code == 201, response.text
    return response.json()


def weights(lora):
    """Return everything of a file behind its header."""
    return lora.path.read_bytes()[min(place for place, _ in lora.header.places.values()) :]


class TestImport:
    def test_makes_an_ordinary_model_of_the_base_it_fits(self, client, tmp_path):
        model = imported(client, tmp_path, metadata=MODELSPEC)
        assert (model["name"], model["base"], model["kind"]) == ("Rex the dog", "pocket", "finetuned")
        assert (model["trigger_word"], model["prompts"], model["tags"]) == ("rexo", ["rexo"], ["dog", "pet"])
        assert model["is_ready"]
        assert model["versions"][0]["label"] == "Imported"
        origin = model["provenance"]
        assert (origin["file"], origin["layout"], origin["rank"]) == ("rex_v1.safetensors", "diffusers", 4)
        assert (origin["author"], origin["licence"]) == ("Ann", "CC-BY-4.0")
        assert "pocket" in origin["fits"]

    def test_keeps_it_under_our_names_with_its_scale(self, client, tmp_path):
        model = imported(client, tmp_path, kohya_lora)
        assert model["provenance"]["layout"] == "kohya"
        assert model["name"] == "rex v1"
        path = state_of(client).settings.paths.model_version(model["id"], model["versions"][0]["id"])
        kept = recognise_lora(path)
        assert (kept.layout, kept.scale) == ("diffusers", 0.5)
        assert kept.header.metadata["fluxtune.base"] == "pocket"
        assert [file.name for file in path.parent.iterdir()] == [path.name]

    def test_what_one_says_goes_before_what_the_file_says(self, client, tmp_path):
        model = imported(client, tmp_path, metadata=MODELSPEC, name=" Max ", trigger_word="maxo")
        assert (model["name"], model["trigger_word"]) == ("Max", "maxo")
        path = state_of(client).settings.paths.model_version(model["id"], model["versions"][0]["id"])
        assert recognise_lora(path).header.metadata["fluxtune.trigger_word"] == "maxo"

    def test_a_base_that_does_not_fit(self, client, tmp_path):
        response = send(client, pocket_lora(tmp_path / "a.safetensors").read_bytes(), base="flux1-dev")
        assert response.status_code == 422
        assert "it fits pocket" in response.json()["detail"]

    @pytest.mark.parametrize(
        ("content", "name", "says"),
        [
            (b"", "a.safetensors", "is empty"),
            (b"\x80\x02}q\x00" + bytes(60), "evil.ckpt", "pickle"),
            (picture(), "photo.png", "no safetensors file"),
            (b"<!DOCTYPE html><html>", "a.safetensors", "web page"),
            ((10**9).to_bytes(8, "little") + b"{", "bomb.safetensors", "no safetensors file"),
        ],
    )
    def test_files_that_are_none(self, client, content, name, says):
        before = sorted(state_of(client).settings.paths.models.iterdir())
        response = send(client, content, name)
        assert response.status_code == 422
        assert says in response.json()["detail"]
        assert response.json()["detail"].startswith(name)
        assert sorted(state_of(client).settings.paths.models.iterdir()) == before

    def test_one_cut_short(self, client, tmp_path):
        content = pocket_lora(tmp_path / "a.safetensors").read_bytes()
        assert "cut short" in send(client, content[:-10]).json()["detail"]

    def test_one_whose_training_went_wrong(self, client, tmp_path):
        content = bytearray(pocket_lora(tmp_path / "a.safetensors").read_bytes())
        content[-2:] = b"\xc0\x7f"
        response = client.post("/api/models/imports", files={"file": ("a.safetensors", bytes(content))})
        assert (response.status_code, response.json()["title"]) == (422, "The adapter is broken")
        assert list(state_of(client).settings.paths.models.iterdir()) == [], "nothing is left of it"

    def test_one_that_fits_nothing(self, client, tmp_path):
        content = pocket_lora(tmp_path / "a.safetensors", width=168).read_bytes()
        response = send(client, content)
        assert response.status_code == 422
        assert "width 168" in response.json()["detail"]

    @pytest.mark.parametrize(
        "name", ["../../../evil.safetensors", "..\\..\\x.safetensors", "a\x00b.safetensors", ".", "ü" * 300]
    )
    def test_names_never_leave_the_folder(self, client, tmp_path, name):
        response = send(client, pocket_lora(tmp_path / "a.safetensors").read_bytes(), name)
        assert response.status_code == 201, response.text
        assert "/" not in response.json()["provenance"]["file"]

    def test_one_for_a_published_base_waits_for_it(self, client, tmp_path):
        model = imported(client, tmp_path, lambda path, metadata: pocket_lora(path, metadata, width=4096))
        assert model["base"] == "flux2-klein-base-9b"
        assert not model["is_ready"]
        assert "FLUX.2 klein base 9B, is not on this computer" in model["missing"]
        assert model["commercial_use"]["answer"] == "no"

    def test_a_stranger_may_not(self, stranger):
        assert send(stranger, b"x").status_code == 403


class TestExport:
    @pytest.mark.parametrize(("layout", "found"), [("diffusers", "diffusers"), ("kohya", "kohya"), ("bfl", "bfl")])
    def test_gives_the_layout_asked_for_and_takes_it_back(self, client, tmp_path, layout, found):
        model = imported(client, tmp_path, metadata=MODELSPEC)
        version = model["versions"][0]["id"]
        response = client.get(f"/api/models/{model['id']}/versions/{version}/export", params={"layout": layout})
        assert response.status_code == 200
        assert f'filename="rex-the-dog-pocket-{layout}.safetensors"' in response.headers["content-disposition"]
        file = tmp_path / "out.safetensors"
        file.write_bytes(response.content)
        lora = recognise_lora(file)
        assert lora.layout == found
        assert lora.header.metadata["modelspec.trigger_phrase"] == "rexo"
        assert lora.header.metadata["modelspec.architecture"] == "Flux.2/lora"
        assert lora.header.metadata["modelspec.resolution"] == "128x128"
        assert lora.header.metadata["modelspec.date"] == model["created_at"][:10]
        back = send(client, response.content, f"{layout}.safetensors").json()
        paths = state_of(client).settings.paths
        first, second = (
            recognise_lora(paths.model_version(each["id"], each["versions"][0]["id"])) for each in (model, back)
        )
        assert first.header.tensors == second.header.tensors
        assert weights(first) == weights(second)
        assert not list(paths.models.glob("export-*"))

    def test_a_file_that_is_no_lora_any_more(self, client, tmp_path):
        model = add_model(client, tmp_path)
        response = client.get(f"/api/models/{model.id}/versions/{model.versions[0].id}/export?layout=bfl")
        assert response.status_code == 422

    def test_unknown_layout(self, client, tmp_path):
        model = add_model(client, tmp_path)
        response = client.get(f"/api/models/{model.id}/versions/{model.versions[0].id}/export?layout=odd")
        assert response.status_code == 422

    def test_a_card_says_what_it_is(self, client, tmp_path):
        model = imported(client, tmp_path, metadata=MODELSPEC)
        client.patch(f"/api/models/{model['id']}", json={"notes": "Best outdoors.", "prompts": ['a "rexo" | dog']})
        card = client.get(f"/api/models/{model['id']}/versions/{model['versions'][0]['id']}/card").json()
        assert card["name"] == "rex-the-dog-pocket.md"
        text = card["markdown"]
        for part in ("# Rex the dog", "instance_prompt: \"rexo\"", "Best outdoors.", "| Trigger word | `rexo` |",
                     "Imported from", 'a "rexo" \\| dog', "load_lora_weights"):  # fmt: skip
            assert part in text

    def test_a_card_of_a_layout_names_that_file(self, client, tmp_path):
        model = imported(client, tmp_path, metadata=MODELSPEC)
        address = f"/api/models/{model['id']}/versions/{model['versions'][0]['id']}/card"
        card = client.get(address, params={"layout": "kohya"}).json()
        assert card["name"] == "rex-the-dog-pocket-kohya.md"
        assert 'weight_name="rex-the-dog-pocket-kohya.safetensors"' in card["markdown"]
        assert f"| Layout | {TITLES['kohya']} |" in card["markdown"]
        assert client.get(address, params={"layout": "odd"}).status_code == 422


class TestDeployment:
    def test_says_what_stands_in_the_way(self, client, tmp_path):
        model = imported(client, tmp_path)
        found = client.get(f"/api/models/{model['id']}/deployment?finetune_id=Rex!").json()
        assert not found["is_ready"]
        assert found["steps"] == []
        wrong = {each["name"]: each["action"] for each in found["findings"] if not each["is_ok"]}
        assert set(wrong) == {"Name", "Base"}
        assert "klein base" in wrong["Base"]

    def test_gives_file_and_steps(self, client, tmp_path):
        model = imported(
            client, tmp_path, lambda path, metadata: pocket_lora(path, metadata, width=4096), trigger_word="rexo"
        )
        found = client.get(f"/api/models/{model['id']}/deployment").json()
        assert found["is_ready"], found
        assert found["finetune_id"] == "rex-v1"
        assert any("rexo" in step for step in found["steps"])
        assert client.get(found["file_url"]).status_code == 200

    def test_a_base_has_none(self, client):
        assert not client.get("/api/models/pocket/deployment").json()["is_ready"]


class TestFields:
    def test_are_kept_and_cleaned(self, client, tmp_path):
        model = add_model(client, tmp_path)
        change = {
            "tags": [" Dog ", "dog", "", "Pet"], "prompts": ["a rexo ", " "], "least_strength": 0.5,
            "most_strength": 1.2, "data_rights": "own", "data_licence": "my photos",
        }  # fmt: skip
        shown = client.patch(f"/api/models/{model.id}", json=change).json()
        assert (shown["tags"], shown["prompts"]) == (["dog", "pet"], ["a rexo"])
        assert (shown["least_strength"], shown["most_strength"]) == (0.5, 1.2)
        assert (shown["data_rights"], shown["data_licence"]) == ("own", "my photos")
        assert client.get(f"/api/models/{model.id}").json() == shown

    @pytest.mark.parametrize(
        "change",
        [{"least_strength": 1.8, "most_strength": 1.0}, {"least_strength": -1}, {"tags": ["x" * 41]},
         {"data_rights": "mine"}, {"tags": "dog"}, {"prompts": ["x"] * 21}],
    )  # fmt: skip
    def test_what_makes_no_sense_is_refused(self, client, tmp_path, change):
        model = add_model(client, tmp_path)
        assert client.patch(f"/api/models/{model.id}", json=change).status_code == 422
        assert client.get(f"/api/models/{model.id}").json()["most_strength"] == 1.5

    @pytest.mark.parametrize(
        ("base", "rights", "answer"),
        [
            ("pocket", "unknown", "unknown"), ("pocket", "own", "yes"), ("pocket", "licensed", "yes"),
            ("pocket", "restricted", "no"), ("flux2-klein-base-4b", "own", "yes"), ("flux1-dev", "own", "no"),
            ("gone", "own", "unknown"),
        ],
    )  # fmt: skip
    def test_commercial_use_follows_the_strictest(self, client, tmp_path, base, rights, answer):
        model = add_model(client, tmp_path, base=base)
        shown = client.patch(f"/api/models/{model.id}", json={"data_rights": rights}).json()["commercial_use"]
        assert shown["answer"] == answer
        assert shown["because"]

    def test_a_base_says_it_too(self, client):
        assert client.get("/api/models/pocket").json()["commercial_use"]["answer"] == "yes"


class TestPage:
    def test_finds_and_orders(self, client, tmp_path):
        for name, tags, mode in (("Äpfel", ["fruit"], "product"), ("Zebra", ["animal"], "character"),
                                 ("birch", ["tree", "fruit"], "style")):  # fmt: skip
            model = add_model(client, tmp_path, name=name, mode=mode, base="pocket", trigger_word=name[:3].lower())
            client.patch(f"/api/models/{model.id}", json={"tags": tags})

        def names(query):
            return [each["name"] for each in client.get(f"/api/models/page?{query}").json()["items"]]

        assert names("") == ["birch", "Zebra", "Äpfel"]
        assert names("order=name") == ["birch", "Zebra", "Äpfel"]
        assert names("order=oldest&limit=1") == ["Äpfel"]
        assert names("order=oldest&limit=1&offset=1") == ["Zebra"]
        assert names("query=äPF") == ["Äpfel"]
        assert names("query=fruit tree") == ["birch"]
        assert names("tag=fruit&mode=product") == ["Äpfel"]
        assert names("base=elsewhere") == []
        page = client.get("/api/models/page?tag=animal").json()
        assert (page["total"], page["whole"]) == (1, 3)
        assert page["tags"] == {"fruit": 2, "animal": 1, "tree": 1}
        assert page["modes"]["style"] == 1

    def test_words_may_hold_signs_of_sql_and_are_found_after_every_change(self, client, tmp_path):
        model = add_model(client, tmp_path, name="100 % wool_1", base="pocket")
        add_model(client, tmp_path, name="100 of wool11", base="pocket")
        assert client.get("/api/models/page", params={"query": "% wool_1"}).json()["total"] == 1
        client.patch(f"/api/models/{model.id}", json={"notes": "ÜBER Nacht", "tags": ["x%y"]})
        assert client.get("/api/models/page", params={"query": "über x%y"}).json()["total"] == 1
        assert client.get("/api/models/page", params={"tag": "x%y' OR 1"}).json()["total"] == 0

    @pytest.mark.parametrize("query", ["limit=0", "limit=1000", "offset=-1", "order=odd"])
    def test_what_makes_no_sense_is_refused(self, client, query):
        assert client.get(f"/api/models/page?{query}").status_code == 422

    def test_a_thousand_are_found_quickly(self, client):
        with state_of(client).database.transaction() as session:
            rows = [
                ModelRow(
                    id=new_id(), name=f"Model {number}", base="pocket", mode="style", trigger_word=f"word{number}",
                    prompts=[], tags=[f"tag{number % 7}"], searched=f"model {number}\nword{number}", created_at=now(),
                )
                for number in range(1_000)
            ]  # fmt: skip
            session.add_all(rows)
            session.flush()
            session.add_all(
                ModelVersionRow(
                    id=new_id(), model_id=row.id, step=1, label="", byte_count=1, sha256="0" * 64, created_at=now()
                )
                for row in rows
            )
        client.get("/api/models/page?limit=60")
        started = time.perf_counter()
        page = client.get("/api/models/page?limit=60&query=word99&tag=tag1").json()
        assert time.perf_counter() - started < 0.5
        assert page["whole"] == 1_000
        assert 0 < page["total"] < 12
        started = time.perf_counter()
        assert len(client.get("/api/models?kind=finetuned").json()) == 1_000
        assert time.perf_counter() - started < 5
