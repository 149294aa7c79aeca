"""The old Finetuning API: what comes in becomes an ordinary finetune, and is told of in BFL's words."""

import pytest

from fluxtune.contract.finetuning import map_rate
from fluxtune.contract.inputs import FinetuneInputs
from fluxtune.engine.bases import describe_base
from fluxtune.finetunes.service import FinetuneService
from fluxtune.models.service import ModelService
from tests.api.contract.conftest import packed, pictures
from tests.makers import add_model, set_job, state_of
from tests.zoo import make_base, picture, png_bomb, zip_of

DETAILS = {
    "finetune_comment", "trigger_word", "mode", "finetune_type", "lora_rank", "iterations", "learning_rate",
    "priority", "timestamp",
}  # fmt: skip


@pytest.fixture
def finetune(program, request_body):
    """A finetune that waits."""
    response = program.post("/v1/finetune", json=request_body)
    assert response.status_code == 200, response.text
    return response.json()


def notes_of(program, finetune_id):
    return " ".join(program.get("/v1/finetune_details", params={"finetune_id": finetune_id}).json()[
        "finetune_details"
    ]["notes"])  # fmt: skip


class TestCreate:
    def test_is_an_ordinary_finetune(self, studio, program, finetune):
        assert finetune["finetune_id"] == finetune["id"]
        assert finetune["polling_url"] == f"http://127.0.0.1:7860/v1/get_result?id={finetune['id']}"
        assert finetune["cost"] == 0
        shown = studio.get(f"/api/finetunes/{finetune['id']}").json()
        assert (shown["name"], shown["mode"], shown["trigger_word"]) == ("my dog", "character", "TOK")
        assert (shown["recipe"]["steps"], shown["recipe"]["rank"], shown["base"]) == (100, 32, "tiny")
        dataset = studio.get(f"/api/datasets/{shown['dataset_id']}").json()
        assert (dataset["name"], dataset["image_count"], dataset["captioned_count"]) == ("my dog", 6, 6)

    def test_only_what_is_required(self, studio, program):
        body = {"file_data": pictures(2), "finetune_comment": "x", "mode": "style"}
        made = program.post("/v1/finetune", json=body).json()
        shown = studio.get(f"/api/finetunes/{made['id']}").json()
        assert (shown["recipe"]["steps"], shown["trigger_word"], shown["quality"]) == (300, "TOK", "balanced")

    def test_unknown_fields_and_data_urls(self, program, request_body):
        body = request_body | {"surprise": [1], "file_data": f"data:application/zip;base64,{pictures(1)}"}
        assert program.post("/v1/finetune", json=body).status_code == 200

    @pytest.mark.parametrize(("priority", "quality"), [("speed", "draft"), ("high_res_only", "best")])
    def test_priority(self, studio, program, request_body, priority, quality):
        made = program.post("/v1/finetune", json=request_body | {"priority": priority}).json()
        assert studio.get(f"/api/finetunes/{made['id']}").json()["quality"] == quality

    def test_what_is_done_otherwise_is_said(self, studio, program, request_body):
        zipped = packed(*((f"{n}.png", picture(n)) for n in range(3)), ("notes.pdf", b"%PDF"), ("../up.png", b"x"))
        body = request_body | {"file_data": zipped, "learning_rate": 5e-5}
        made = program.post("/v1/finetune", json=body).json()
        notes = notes_of(program, made["id"])
        rate = studio.get(f"/api/finetunes/{made['id']}").json()["recipe"]["learning_rate"]
        assert f"{rate:g}" in notes
        for word in ("Base tiny", "3 of 3 images have no .txt", "finetune_type full", "notes.pdf", "up.png"):
            assert word in notes
        assert program.get("/v1/get_result", params={"id": made["id"]}).json()["details"]["notes"]

    def test_a_webhook_is_told_back(self, program, request_body):
        hook = {"webhook_url": "https://example.com/hook", "webhook_secret": "shh"}
        made = program.post("/v1/finetune", json=request_body | hook).json()
        assert (made["status"], made["webhook_url"]) == ("Pending", hook["webhook_url"])
        assert made["polling_url"]

    def test_without_an_engine(self, studio, program, request_body, monkeypatch):
        from fluxtune.backends.base import EngineMissing
        from fluxtune.backends.local import readiness

        def missing():
            raise EngineMissing("Needs torch.", action="Run `pip install`.")

        monkeypatch.setattr(readiness, "require_engine", missing)
        response = program.post("/v1/finetune", json=request_body)
        assert response.status_code == 503
        assert "pip install" in response.json()["detail"]
        assert studio.get("/api/datasets").json() == []


class TestRefusals:
    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("iterations", 99),
            ("iterations", 1001),
            ("iterations", "many"),
            ("learning_rate", 1e-7),
            ("learning_rate", 0.006),
            ("learning_rate", [1]),
            ("mode", "portrait"),
            ("lora_rank", 8),
            ("finetune_type", "dora"),
            ("priority", "low"),
            ("captioning", "perhaps"),
            ("finetune_comment", None),
            ("trigger_word", "x" * 61),
            ("file_data", 5),
            ("file_data", "not base64 §"),
            ("file_data", ""),
            ("file_data", "data:,"),
            ("webhook_url", "ftp://example.com"),
            ("webhook_url", "http://127.0.0.1/hook"),
            ("webhook_url", ""),
            ("webhook_url", "https://example.com/\x00"),
        ],
    )
    def test_names_the_field_and_never_sends_it_back(self, studio, program, request_body, field, value):
        response = program.post("/v1/finetune", json=request_body | {field: value})
        assert response.status_code == 422
        (found,) = response.json()["detail"]
        assert found["loc"] == ["body", field]
        assert set(found) == {"loc", "msg", "type"}
        assert found["msg"]
        assert len(response.content) < 1000
        assert studio.get("/api/finetunes").json() == []

    @pytest.mark.parametrize("field", ["file_data", "finetune_comment", "mode"])
    def test_what_is_missing(self, program, request_body, field):
        del request_body[field]
        (found,) = program.post("/v1/finetune", json=request_body).json()["detail"]
        assert (found["loc"], found["type"]) == (["body", field], "missing")

    @pytest.mark.parametrize(
        "entries",
        [
            [],
            [("zeros.png", b"\x00" * 20_000_000)],
            [("a.png", png_bomb(50_000, 50_000))],
            [("../../evil.png", picture(1))],
            [("inner.zip", zip_of([("a.png", picture(1))]))],
            [("a.txt", b"a caption without its image")],
        ],
        ids=["empty", "zip bomb", "image bomb", "traversal", "nested", "no image"],
    )
    def test_a_zip_without_anything_usable(self, studio, program, request_body, entries):
        response = program.post("/v1/finetune", json=request_body | {"file_data": packed(*entries)})
        assert response.status_code == 422
        assert response.json()["detail"][0]["loc"] == ["body", "file_data"]
        assert studio.get("/api/datasets").json() == []

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"5", b'{"a":' * 100_000, b"\xff\xfe", b"1" * 10_000])
    def test_no_json_object(self, program, body):
        response = program.post("/v1/finetune", content=body, headers={"content-type": "application/json"})
        assert response.status_code in (400, 422)
        assert response.json()["detail"]

    def test_larger_than_allowed_by_its_header_or_by_its_bytes(self, program, request_body):
        limit = state_of(program).settings.contract.max_body_bytes
        response = program.post("/v1/flux-dev", content=b"{}", headers={"content-length": str(limit + 1)})
        assert (response.status_code, list(response.json())) == (413, ["detail"])

        sent = 0

        def endless():
            nonlocal sent
            while sent < 2 * 64 * 1024**2:
                sent += 1024**2
                yield b" " * 1024**2

        response = program.post("/v1/flux-dev", content=endless(), headers={"content-type": "application/json"})
        assert response.status_code == 413


class TestTell:
    def test_details_have_what_old_programs_read(self, program, finetune, request_body):
        response = program.get("/v1/finetune_details", params={"finetune_id": finetune["id"]})
        details = response.json()["finetune_details"]
        assert set(details) >= DETAILS
        for field in DETAILS - {"timestamp"}:
            assert details[field] == request_body[field]
        assert details["state"] == "queued"

    def test_one_started_in_the_studio(self, studio, program, finetune):
        dataset_id = studio.get(f"/api/finetunes/{finetune['id']}").json()["dataset_id"]
        own = studio.post("/api/finetunes", json={"dataset_id": dataset_id, "base": "tiny", "name": "own"}).json()
        details = program.get("/v1/finetune_details", params={"finetune_id": own["id"]}).json()["finetune_details"]
        assert set(details) >= DETAILS
        assert details["finetune_comment"] == "own"
        assert program.get("/v1/get_result", params={"id": own["id"]}).json()["status"] == "Pending"

    def test_list_and_details_agree(self, studio, program, finetune, tmp_path):
        model = add_model(studio, tmp_path)
        listed = program.get("/v1/my_finetunes").json()["finetunes"]
        assert set(listed) == {finetune["id"], model.finetune_id}
        for finetune_id in listed:
            assert program.get("/v1/finetune_details", params={"finetune_id": finetune_id}).status_code == 200

    def test_one_of_thousands_is_found_without_reading_the_others(self, studio, program, tmp_path, monkeypatch):
        for number in range(3):
            add_model(studio, tmp_path, name=f"Rex {number}", finetune_id=None)
        monkeypatch.setattr(ModelService, "list_models", lambda *_: pytest.fail("all models were read whole"))
        monkeypatch.setattr(FinetuneService, "list_finetunes", lambda *_: pytest.fail("all finetunes were read whole"))
        listed = program.get("/v1/my_finetunes").json()["finetunes"]
        assert len(listed) == 3
        for wanted in ("rex-1", *listed):
            response = program.get("/v1/finetune_details", params={"finetune_id": wanted})
            assert response.json()["finetune_details"]["finetune_id"] in listed
        assert program.get("/v1/finetune_details", params={"finetune_id": "rex-9"}).status_code == 404

    def test_what_was_not_asked_for_is_what_was_chosen(self, studio, program, request_body):
        """Old programs show the rate; null would be no answer."""
        del request_body["learning_rate"]
        finetune_id = program.post("/v1/finetune", json=request_body).json()["finetune_id"]
        response = program.get("/v1/finetune_details", params={"finetune_id": finetune_id})
        details = response.json()["finetune_details"]
        assert details["learning_rate"] == details["trained_with"]["learning_rate"] > 0
        assert "fluxtune" not in details

    @pytest.mark.parametrize("finetune_id", ["nope", "", "../../etc/passwd", "0" * 32, "x" * 5_000])
    def test_unknown(self, program, finetune_id):
        response = program.get("/v1/finetune_details", params={"finetune_id": finetune_id})
        assert response.status_code == 404
        assert response.json()["detail"].startswith("Finetune not found or not ready")
        assert program.post("/v1/delete_finetune", json={"finetune_id": finetune_id}).status_code == 404

    def test_dashes_of_a_uuid(self, program, finetune):
        one = finetune["id"]
        dashed = "-".join((one[:8], one[8:12], one[12:16], one[16:20], one[20:]))
        assert program.get("/v1/get_result", params={"id": dashed}).json()["status"] == "Pending"


class TestDelete:
    def test_one_that_waits_is_cancelled_and_gone(self, studio, program, finetune):
        deleted = program.post("/v1/delete_finetune", json={"finetune_id": finetune["id"]}).json()
        assert (deleted["status"], deleted["deleted_finetune_id"]) == ("success", finetune["id"])
        assert set(deleted) == {"status", "message", "deleted_finetune_id", "timestamp"}
        assert program.get("/v1/my_finetunes").json() == {"finetunes": []}
        assert program.get("/v1/get_result", params={"id": finetune["id"]}).json()["status"] == "Task not found"
        assert studio.get("/api/finetunes", params={"deleted": True}).json()[0]["id"] == finetune["id"]
        assert program.post("/v1/delete_finetune", json={"finetune_id": finetune["id"]}).status_code == 404

    def test_a_model_goes_into_the_trash(self, studio, program, tmp_path):
        model = add_model(studio, tmp_path)
        assert program.post("/v1/delete_finetune", json={"finetune_id": model.id}).json()["status"] == "success"
        assert studio.get(f"/api/models/{model.id}").json()["deleted_at"]
        assert program.get("/v1/my_finetunes").json() == {"finetunes": []}

    def test_one_that_runs_is_asked_to_end(self, studio, program, finetune):
        job_id = studio.get(f"/api/finetunes/{finetune['id']}").json()["job_id"]
        set_job(studio, job_id, state="running", started_at=None)
        assert (
            "cancelled" in program.post("/v1/delete_finetune", json={"finetune_id": finetune["id"]}).json()["message"]
        )


class TestRates:
    @pytest.fixture
    def bases(self, tmp_path):
        small = describe_base(make_base(tmp_path, "small"))
        return small, small.model_copy(update={"is_small": False})

    @pytest.mark.parametrize(
        ("kind", "asked", "small", "large"),
        [
            ("full", 1e-5, 2e-3, 1e-4),
            ("lora", 1e-4, 2e-3, 1e-4),
            ("lora", 2e-4, 4e-3, 2e-4),
            ("full", 5e-6, 1e-3, 5e-5),
            ("lora", 5e-3, 6e-3, 5e-3),
            ("full", 1e-6, 2e-4, 1e-5),
        ],
    )
    def test_the_ratio_to_the_usual_counts(self, bases, kind, asked, small, large):
        inputs = FinetuneInputs(
            file_data="", finetune_comment="", mode="style", finetune_type=kind, learning_rate=asked
        )
        assert map_rate(inputs, bases[0], 2e-3) == pytest.approx(small)
        assert map_rate(inputs, bases[1], 1e-4) == pytest.approx(large)
