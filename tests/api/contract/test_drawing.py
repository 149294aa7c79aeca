"""The endpoints that draw: ordinary generations of the studio, told of and delivered as BFL does."""

import io
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image
from starlette.testclient import TestClient

from fluxtune.contract.catalogue import ENDPOINTS
from fluxtune.contract.drawing import fit_size, ratio_size
from fluxtune.contract.links import LinkSigner
from fluxtune.core.clock import now
from fluxtune.engine.bases import describe_base
from fluxtune.generations import repository
from fluxtune.generations.tables import GenerationImageRow
from fluxtune.images.gallery import GalleryService
from fluxtune.images.schemas import GenerationFacts
from fluxtune.images.service import ImageService, store_content
from tests.conftest import BASE_URL
from tests.makers import add_model, set_job, state_of
from tests.zoo import make_base, picture

SERVED = [each for each in ENDPOINTS if each.refusal is None]
FINETUNED = [each.name for each in SERVED if each.is_finetuned]
PLAIN = [each.name for each in SERVED if not each.is_finetuned]
REFUSED = [each for each in ENDPOINTS if each.refusal is not None]


@pytest.fixture
def model(studio, tmp_path):
    """A finetuned model called Rex."""
    return add_model(studio, tmp_path)


def submit(program, endpoint="flux-2-klein-4b", **body):
    response = program.post(f"/v1/{endpoint}", json={"prompt": "a cat"} | body)
    assert response.status_code == 200, response.text
    return response.json()


def result_of(program, task_id):
    response = program.get("/v1/get_result", params={"id": task_id})
    assert response.status_code == 200
    return response.json()


def generation_of(studio, task):
    return studio.get(f"/api/generations/{task['id']}").json()


def finish(studio, task):
    """End a task as its worker would: one image, stored and in the gallery."""
    state = state_of(studio)
    shown = generation_of(studio, task)
    facts = {name: shown[name] for name in GenerationFacts.model_fields if name in shown}
    with state.database.transaction() as session:
        image = ImageService(session, state.blobs).create_image(store_content(state.blobs, picture(3)), "generated")
        facts |= {"generation_id": task["id"], "seed": shown["slots"][0]["seed"]}
        GalleryService(session).add_image(image, GenerationFacts(**facts))
        repository.add(session, GenerationImageRow(generation_id=task["id"], index=0, image_id=image.id))
    set_job(studio, shown["job_id"], state="succeeded", finished_at=now())
    return image.id


class TestSubmit:
    @pytest.mark.parametrize("endpoint", FINETUNED)
    def test_a_finetune_draws(self, studio, program, model, endpoint):
        task = submit(program, endpoint, finetune_id=model.finetune_id, seed=5)
        assert task["polling_url"] == f"{BASE_URL}/v1/get_result?id={task['id']}"
        shown = generation_of(studio, task)
        assert (shown["model_id"], shown["base"], len(shown["slots"])) == (model.id, "tiny", 1)
        assert shown["slots"][0]["seed"] == 5
        strength = {"flux-pro-finetuned": 1.1, "flux-pro-1.1-ultra-finetuned": 1.2}.get(endpoint, 1.0)
        assert shown["finetune_strength"] == strength

    @pytest.mark.parametrize("endpoint", PLAIN)
    def test_a_base_that_is_not_here_is_stood_in_for(self, studio, program, endpoint):
        task = submit(program, endpoint)
        assert generation_of(studio, task)["model_id"] == "tiny"
        notes = result_of(program, task["id"])["details"]["notes"]
        assert "Base tiny" in notes[0]
        assert (task["cost"], task["input_mp"]) == (0, 0)
        assert task["output_mp"] > 0

    def test_the_endpoints_own_base_where_it_is_here(self, studio, program):
        make_base(state_of(studio).settings.paths.bases, "flux2-klein-4b")
        assert generation_of(studio, submit(program))["base"] == "flux2-klein-4b"

    @pytest.mark.parametrize("name", ["rex", "REX", "Rex", "model", "dashed"])
    def test_a_finetune_by_its_name_or_its_models_id(self, studio, program, model, name):
        one = model.finetune_id
        dashed = "-".join((one[:8], one[8:12], one[12:16], one[16:20], one[20:]))
        wanted = {"model": model.id, "dashed": dashed}.get(name, name)
        task = submit(program, "flux-2-klein-9b-finetuned", finetune_id=wanted)
        assert generation_of(studio, task)["model_id"] == model.id

    def test_a_finetune_of_an_organisation(self, studio, program, model):
        """BFL puts the organisation before the names of LoRAs that are shared; here there is one."""
        task = submit(program, "flux-2-klein-9b-finetuned", finetune_id="someone/rex")
        assert generation_of(studio, task)["model_id"] == model.id
        notes = result_of(program, task["id"])["details"]["notes"]
        assert any("someone/rex" in note for note in notes)

    @pytest.mark.parametrize(
        "finetune_id", ["nope", "", "someone/else/rex", "someone/else", "../rex", "0" * 32, "x" * 9_000, "\x00"]
    )
    def test_unknown_finetunes(self, program, model, finetune_id):
        response = program.post("/v1/flux-pro-finetuned", json={"prompt": "x", "finetune_id": finetune_id})
        assert response.status_code == 404
        assert response.json()["detail"].startswith("Finetune not found or not ready")

    def test_no_prompt_draws_the_trigger_word(self, studio, program, model):
        task = submit(program, "flux-pro-finetuned", finetune_id=model.id, prompt="")
        assert generation_of(studio, task)["prompt"] == "rexo"
        response = program.post("/v1/flux-dev", json={})
        assert (response.status_code, response.json()["detail"][0]["loc"]) == (422, ["body", "prompt"])

    def test_only_what_a_program_sets_itself_is_meant(self, studio, program):
        usual = generation_of(studio, submit(program, "flux-dev"))
        assert (usual["steps"], usual["guidance"]) == (8, 2.5)
        chosen = generation_of(studio, submit(program, "flux-dev", steps=30, guidance=3.5))
        assert (chosen["steps"], chosen["guidance"]) == (30, 3.5)

    @pytest.mark.parametrize(("seed", "used"), [(2**32, 0), (-1, 2**32 - 1), (10**30, 10**30 % 2**32)])
    def test_seeds_beyond_ours(self, studio, program, seed, used):
        task = submit(program, seed=seed)
        assert generation_of(studio, task)["slots"][0]["seed"] == used
        assert any("seed" in note for note in result_of(program, task["id"])["details"]["notes"])

    def test_what_is_not_done_is_said(self, program):
        task = submit(program, "flux-dev", prompt_upsampling=True, safety_tolerance=6, width=1024, surprise=1)
        notes = " ".join(result_of(program, task["id"])["details"]["notes"])
        for word in ("prompt_upsampling", "safety_tolerance", "1024 × 768", "steps was not given"):
            assert word in notes

    @pytest.mark.parametrize(
        ("endpoint", "field", "value"),
        [
            ("flux-dev", "width", 255),
            ("flux-dev", "width", 1472),
            ("flux-dev", "width", 300),
            ("flux-dev", "steps", 51),
            ("flux-dev", "guidance", 1),
            ("flux-dev", "safety_tolerance", 7),
            ("flux-dev", "output_format", "gif"),
            ("flux-dev", "image_prompt", "aGk="),
            ("flux-dev", "prompt", "x" * 8_001),
            ("flux-dev", "seed", "one"),
            ("flux-dev", "user", ""),
            ("flux-2-klein-4b", "width", 63),
            ("flux-2-klein-4b", "prompt", None),
            ("flux-2-klein-4b", "input_image_3", "aGk="),
            ("flux-2-klein-4b", "safety_tolerance", 6),
            ("flux-2-klein-4b", "webhook_url", "http://169.254.169.254/"),
            ("flux-2-klein-4b-finetuned", "finetune_strength", 2.1),
            ("flux-2-klein-4b-finetuned", "finetune_strength", "NaN"),
            ("flux-pro-1.1-ultra-finetuned", "aspect_ratio", "wide"),
            ("flux-pro-1.1-ultra-finetuned", "aspect_ratio", "3:1"),
            ("flux-pro-1.1-ultra-finetuned", "aspect_ratio", "0:0"),
            ("flux-pro-1.1-ultra-finetuned", "image_prompt_strength", 2),
        ],
    )
    def test_refusals_name_the_field(self, studio, program, model, endpoint, field, value):
        body = {"prompt": "x", "finetune_id": model.id} | {field: value}
        response = program.post(f"/v1/{endpoint}", json=body)
        assert response.status_code == 422
        assert response.json()["detail"][0]["loc"] == ["body", field]
        assert studio.get("/api/generations").json() == []

    @pytest.mark.parametrize("endpoint", REFUSED, ids=lambda each: each.name)
    def test_what_no_base_here_can_do(self, program, model, endpoint):
        body = {"prompt": "x", "finetune_id": model.id, "image": "aGk=", "control_image": "aGk="}
        response = program.post(f"/v1/{endpoint.name}", json=body)
        assert response.status_code == 422
        assert "from words only" in response.json()["detail"][0]["msg"]

    @pytest.mark.parametrize("path", ["flux-2-pro", "flux-kontext-pro", "nothing", "", "finetune/../credits"])
    def test_what_is_not_served_is_said(self, program, path):
        response = program.post(f"/v1/{path}", json={"prompt": "x"})
        assert response.status_code in (404, 405)
        assert isinstance(response.json()["detail"], str)

    @pytest.mark.parametrize(("method", "path"), [("GET", "flux-dev"), ("PUT", "finetune"), ("DELETE", "get_result")])
    def test_other_methods(self, program, method, path):
        response = program.request(method, f"/v1/{path}")
        assert (response.status_code, response.json()) == (405, {"detail": "Method Not Allowed"})

    def test_more_than_24_at_once(self, studio, program):
        tasks = [submit(program) for _ in range(24)]
        response = program.post("/v1/flux-dev", json={"prompt": "x"})
        assert response.status_code == 429
        assert "at most 24" in response.json()["detail"]
        finish(studio, tasks[7])
        submit(program)

    def test_the_studios_own_work_does_not_count(self, studio, program):
        for _ in range(25):
            studio.post("/api/generations", json={"model_id": "tiny", "prompt": "x", "count": 1})
        submit(program)


class TestSizes:
    @pytest.fixture
    def base(self, tmp_path):
        """A base that draws 128 × 128 best and 256 × 256 at most."""
        return describe_base(make_base(tmp_path))

    @pytest.mark.parametrize(
        ("asked", "drawn"),
        [
            ((256, 256), (256, 256)),
            ((100, 70), (96, 64)),
            ((1024, 768), (144, 112)),
            ((1440, 256), (256, 64)),
            ((64, 64), (64, 64)),
            ((65, 2000), (64, 256)),
        ],
    )
    def test_the_nearest_that_can_be_drawn(self, base, asked, drawn):
        assert fit_size(asked[0], asked[1], base) == drawn

    def test_a_large_base_draws_what_is_asked(self, base):
        large = base.model_copy(
            update={"default_width": 1024, "default_height": 1024, "max_width": 2048, "max_height": 2048}
        )
        assert fit_size(1024, 768, large) == (1024, 768)
        assert ratio_size(16 / 9, large) == (1360, 768)

    def test_zero_leaves_it_to_the_base(self, studio, program):
        shown = generation_of(studio, submit(program, width=0, height=None))
        assert (shown["width"], shown["height"]) == (128, 128)

    def test_a_ratio(self, studio, program, model):
        task = submit(program, "flux-pro-1.1-ultra-finetuned", finetune_id=model.id, aspect_ratio="9:21")
        shown = generation_of(studio, task)
        assert shown["height"] > 2 * shown["width"]


class TestResult:
    def test_the_whole_way(self, studio, program):
        task = submit(program, seed=9, output_format="png")
        assert result_of(program, task["id"]) == {
            "id": task["id"], "status": "Pending", "result": None, "progress": None, "preview": None, "cost": None,
            "details": result_of(program, task["id"])["details"],
        }  # fmt: skip
        image_id = finish(studio, task)
        told = result_of(program, task["id"])
        assert (told["status"], told["progress"], told["cost"]) == ("Ready", 1, 0)
        assert (told["result"]["prompt"], told["result"]["seed"]) == ("a cat", 9)
        assert told["result"]["duration"] >= 0
        stranger = TestClient(studio.app, base_url=BASE_URL)
        sample = stranger.get(told["result"]["sample"])
        assert (sample.status_code, sample.headers["content-type"]) == (200, "image/png")
        assert sample.content == studio.get(f"/api/images/{image_id}/file").content
        assert studio.get("/api/gallery/ids").json() == [image_id]

    @pytest.mark.parametrize(("asked", "format_"), [(None, "JPEG"), ("jpeg", "JPEG"), ("webp", "WEBP"), ("png", "PNG")])
    def test_formats(self, studio, program, asked, format_):
        task = submit(program, output_format=asked)
        finish(studio, task)
        sample = program.get(result_of(program, task["id"])["result"]["sample"])
        assert sample.headers["content-type"] == f"image/{format_.lower()}"
        with Image.open(io.BytesIO(sample.content)) as image:
            assert (image.format, image.size) == (format_, (160, 140))

    def test_progress_while_it_runs(self, studio, program):
        task = submit(program)
        set_job(studio, generation_of(studio, task)["job_id"], step=4)
        assert result_of(program, task["id"])["progress"] == 0.5

    @pytest.mark.parametrize("state", ["failed", "cancelled"])
    def test_errors_have_a_reason(self, studio, program, state):
        task = submit(program)
        set_job(studio, generation_of(studio, task)["job_id"], state=state)
        told = result_of(program, task["id"])
        assert (told["status"], told["result"]) == ("Error", None)
        assert state in told["details"]["error"]

    def test_an_image_in_the_trash_is_gone(self, studio, program):
        task = submit(program)
        image_id = finish(studio, task)
        link = result_of(program, task["id"])["result"]["sample"]
        studio.delete(f"/api/gallery/{image_id}")
        assert result_of(program, task["id"])["status"] == "Task not found"
        assert program.get(link).status_code == 404

    @pytest.mark.parametrize("task_id", ["nope", "", "0" * 32, "../x", "x" * 5_000])
    def test_unknown_ids(self, program, task_id):
        assert result_of(program, task_id) == {
            "id": task_id, "status": "Task not found", "result": None, "progress": None, "details": None,
            "preview": None, "cost": None,
        }  # fmt: skip

    def test_a_generation_of_the_studio_is_not_a_programs(self, studio, program):
        own = studio.post("/api/generations", json={"model_id": "tiny", "prompt": "x"}).json()
        assert result_of(program, own["id"])["status"] == "Task not found"

    def test_no_id(self, program):
        assert program.get("/v1/get_result").json()["detail"][0]["loc"] == ["query", "id"]

    def test_links_begin_with_the_public_address(self, studio, program, monkeypatch):
        monkeypatch.setattr(state_of(studio).settings.contract, "public_url", "https://gpu.example/")
        assert submit(program)["polling_url"].startswith("https://gpu.example/v1/get_result?id=")


class TestLinks:
    @pytest.fixture
    def link(self, studio, program):
        """A link to a result."""
        task = submit(program)
        finish(studio, task)
        link: str = result_of(program, task["id"])["result"]["sample"]
        return link

    def test_works_for_ten_minutes(self, link):
        expires = int(parse_qs(urlsplit(link).query)["expires"][0])
        assert abs(expires - (now() + timedelta(minutes=10)).timestamp()) < 5

    @pytest.mark.parametrize(
        ("old", "new"),
        [("signature=", "signature=0"), ("expires=", "expires=9"), (".jpeg?", ".png?"), ("&signature", "&other"),
         ("expires=", "expired="), ("signature=", "signature=ü")],
    )  # fmt: skip
    def test_changed_ones_do_not(self, stranger, link, old, new):
        response = stranger.get(link.replace(old, new))
        assert response.status_code == 403
        assert "signature" in response.json()["detail"]

    def test_says_how_large_it_is(self, stranger, link):
        told = stranger.head(link)
        assert told.status_code == 200
        assert told.content == b""
        assert told.headers["content-length"] == str(len(stranger.get(link).content))

    def test_of_another_image(self, studio, stranger, link):
        task_image = urlsplit(link).path.rpartition("/")[2]
        assert stranger.get(link.replace(task_image, f"{'0' * 32}.jpeg")).status_code == 403

    def test_expired_ones_do_not(self, studio, stranger, link):
        image_id = urlsplit(link).path.rpartition("/")[2].removesuffix(".jpeg")
        old = LinkSigner(state_of(studio).settings).link(BASE_URL, image_id, "jpeg", now() - timedelta(seconds=601))
        response = stranger.get(old)
        assert response.status_code == 403
        assert "expired" in response.json()["detail"]

    @pytest.mark.parametrize("path", ["x.jpeg", "x.gif", "../../etc/passwd.png", "x"])
    def test_unsigned(self, stranger, path):
        assert stranger.get(f"/v1/samples/{path}").status_code in (403, 404, 422)
