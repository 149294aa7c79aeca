"""Commands against a running studio: results, JSON, errors and exit codes."""

import subprocess
import sys
import zipfile

import pytest
from PIL import Image

from fluxtune.cli import exits
from fluxtune.engine.lora_files.keys import TITLES
from fluxtune.engine.lora_files.reading import recognise_lora
from tests.loras import kohya_lora
from tests.places import ON_POSTGRESQL

SAMPLES_PER_CONCEPT = 10


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for index in range(3):
        noise = Image.effect_noise((160, 160), 40 + 40 * index).convert("RGB")
        noise.save(folder / f"{index}.png")
        (folder / f"{index}.txt").write_text(f"a mug on table {index}")
    (folder / "broken.png").write_bytes(b"this is no image")
    return folder


@pytest.mark.usefixtures("studio")
class TestDatasets:
    def test_create_reports_what_was_taken_and_what_was_refused(self, fluxtune, photos):
        result = fluxtune("dataset", "create", "My mug", photos, "--mode", "product", "--trigger", "lumo", "--json")
        assert result.code == exits.OK, result.err
        assert result.json["name"] == "My mug"
        assert result.json["image_count"] == 3
        assert result.json["captioned_count"] == 3
        assert result.json["trigger_word"] == "lumo"
        (refused,) = result.json["refused"]
        assert refused["name"].endswith("broken.png")
        assert refused["reason"]
        assert refused["action"]

    def test_create_from_the_samples(self, fluxtune):
        result = fluxtune("dataset", "create", "Try", "--sample", "--json")
        assert result.code == exits.OK, result.err
        assert result.json["name"] == "Try"
        assert result.json["image_count"] == SAMPLES_PER_CONCEPT
        assert result.json["refused"] == []

    def test_create_from_a_zip(self, fluxtune, photos, tmp_path):
        archive = tmp_path / "photos.zip"
        with zipfile.ZipFile(archive, "w") as writer:
            for file in photos.iterdir():
                writer.write(file, f"inside/{file.name}")
        result = fluxtune("dataset", "create", "Zipped", archive, "--json")
        assert result.code == exits.OK, result.err
        assert result.json["image_count"] == 3
        assert len(result.json["refused"]) == 1

    def test_nothing_is_created_for_a_path_that_is_not_there(self, fluxtune):
        result = fluxtune("dataset", "create", "None", "no/such/folder")
        assert result.code == exits.INVALID
        assert "no/such/folder" in result.err
        assert fluxtune("dataset", "list", "--json").json == []

    def test_nothing_usable_is_a_failure_that_says_why(self, fluxtune, photos):
        result = fluxtune("dataset", "create", "Broken", photos / "broken.png", "--json")
        assert result.code == exits.INVALID
        assert len(result.json["refused"]) == 1

    def test_show_finds_by_name_and_by_id(self, fluxtune, photos):
        made = fluxtune("dataset", "create", "My mug", photos, "--json").json
        by_name = fluxtune("dataset", "show", "my mug", "--json").json
        assert by_name["id"] == made["id"]
        assert [each["caption"] for each in by_name["images"]] == [f"a mug on table {index}" for index in range(3)]
        assert fluxtune("dataset", "show", made["id"], "--json").json["id"] == made["id"]
        assert "My mug" in fluxtune("dataset", "show", made["id"]).out
        assert made["id"] in fluxtune("dataset", "list").out


@pytest.mark.usefixtures("studio")
class TestFinetunes:
    def test_plan_says_what_it_would_take(self, fluxtune):
        fluxtune("dataset", "create", "Try", "--sample")
        plan = fluxtune("finetune", "start", "--dataset", "Try", "--set", "steps=12", "--plan", "--json")
        assert plan.code == exits.OK, plan.out
        assert plan.json["recipe"]["steps"] == 12
        assert plan.json["seconds"]["low"] > 0

    def test_start_queues_and_list_and_show_agree(self, fluxtune):
        fluxtune("dataset", "create", "Try", "--sample")
        command = ["finetune", "start", "--dataset", "Try", "--mode", "character", "--base", "pocket", "--json"]
        started = fluxtune(*command)
        assert started.code == exits.OK, started.out
        shown = fluxtune("finetune", "show", started.json["id"], "--json").json
        assert shown["state"] == "queued"
        assert shown["step"] == 0
        assert [each["id"] for each in fluxtune("finetune", "list", "--json").json] == [shown["id"]]
        cancelled = fluxtune("finetune", "cancel", shown["id"], "--json")
        assert cancelled.code == exits.OK, cancelled.out
        assert fluxtune("finetune", "show", shown["id"], "--json").json["state"] == "cancelled"
        assert fluxtune("finetune", "watch", shown["id"], "--json").code == exits.CANCELLED

    def test_resuming_what_waits_is_a_conflict(self, fluxtune):
        fluxtune("dataset", "create", "Try", "--sample")
        started = fluxtune("finetune", "start", "--dataset", "Try", "--json").json
        result = fluxtune("finetune", "resume", started["id"], "--json")
        assert result.code == exits.CONFLICT
        assert result.json["status"] == 409
        assert result.json["action"]

    def test_unknown_dataset_is_not_found(self, fluxtune):
        result = fluxtune("finetune", "start", "--dataset", "nothing", "--json")
        assert result.code == exits.NOT_FOUND
        assert result.json["title"] == "No such dataset"

    def test_a_value_out_of_range_is_named(self, fluxtune):
        fluxtune("dataset", "create", "Try", "--sample")
        result = fluxtune("finetune", "start", "--dataset", "Try", "--set", "steps=0", "--json")
        assert result.code == exits.INVALID
        assert "steps" in result.out

    def test_settings_list_the_recipe(self, fluxtune):
        assert "learning_rate" in fluxtune("finetune", "settings").out


@pytest.mark.usefixtures("studio")
class TestModels:
    def test_the_bundled_base_is_there(self, fluxtune):
        listed = fluxtune("model", "list", "--json").json
        assert [each["id"] for each in listed] == ["pocket"]
        assert "Apache-2.0" in fluxtune("model", "show", "pocket").out

    def test_a_base_is_not_exported(self, fluxtune):
        result = fluxtune("model", "export", "pocket")
        assert result.code == exits.INVALID
        assert "nothing to export" in result.err

    def test_a_lora_comes_in_and_leaves_in_another_layout(self, fluxtune, tmp_path):
        file = kohya_lora(tmp_path / "my dog.safetensors", {"modelspec.trigger_phrase": "rexo"})
        made = fluxtune("model", "import", file, "--name", "Rex", "--no-preview", "--json")
        assert made.code == exits.OK, made.err
        assert (made.json["name"], made.json["base"], made.json["trigger_word"]) == ("Rex", "pocket", "rexo")
        assert made.json["provenance"]["layout"] == "kohya"
        assert [each["name"] for each in fluxtune("model", "list", "--search", "rexo", "--json").json] == ["Rex"]
        out = tmp_path / "rex.safetensors"
        result = fluxtune("model", "export", "Rex", "--layout", "bfl", "--card", "--out", out, "--json")
        assert result.code == exits.OK, result.err
        assert recognise_lora(out).layout == "bfl"
        card = (tmp_path / "rex.md").read_text()
        assert "# Rex" in card
        assert f"| Layout | {TITLES['bfl']} |" in card
        assert 'weight_name="rex.safetensors"' in card
        refused = fluxtune("model", "deploy", "Rex")
        assert refused.code == exits.INVALID
        assert "klein base" in refused.err

    def test_a_file_that_is_no_lora_says_why(self, fluxtune, tmp_path):
        (tmp_path / "a.ckpt").write_bytes(b"\x80\x02}q\x00" + bytes(60))
        result = fluxtune("model", "import", tmp_path / "a.ckpt")
        assert result.code == exits.INVALID
        assert "pickle" in result.err


class TestOpen:
    def test_address_signs_in(self, fluxtune, studio):
        result = fluxtune("open", "--no-open", "--json")
        assert result.code == exits.OK
        assert result.json["url"].startswith(f"{studio.url}/?token=")

    def test_without_a_studio_it_says_how_to_start_one(self, fluxtune):
        result = fluxtune("open", "--no-open")
        assert result.code == exits.NOT_READY
        assert "fluxtune serve" in result.err


class TestWithoutAStudio:
    def test_reading_commands_do_the_work_themselves(self, fluxtune, data):
        assert fluxtune("dataset", "list", "--json").json == []
        assert not (data / "studio.json").exists()

    def test_file_of_a_killed_studio_is_ignored(self, fluxtune, data):
        data.mkdir(exist_ok=True)
        (data / "studio.json").write_text('{"url": "http://127.0.0.1:9", "token": "x", "pid": 999999}')
        assert fluxtune("model", "list", "--json").code == exits.OK


class TestErrors:
    def test_usage_is_explained_on_stderr(self, fluxtune):
        result = fluxtune("sevre")
        assert result.code == exits.INVALID
        assert "Did you mean 'serve'" in result.err
        assert result.out == ""

    def test_usage_is_a_problem_with_json(self, fluxtune):
        result = fluxtune("finetune", "start", "--json")
        assert result.code == exits.INVALID
        assert "--dataset" in result.json["detail"]

    @pytest.mark.usefixtures("studio")
    def test_three_parts_and_no_stack_trace(self, fluxtune):
        result = fluxtune("dataset", "show", "nothing")
        assert result.code == exits.NOT_FOUND
        assert "✗ No such dataset" in result.err
        assert "→ " in result.err
        assert "Traceback" not in result.err

    @pytest.mark.usefixtures("studio")
    def test_a_prompt_of_a_hundred_thousand_characters_is_refused_in_plain_words(self, fluxtune):
        result = fluxtune("generate", "a" * 100_000, "--model", "pocket")
        assert result.code == exits.INVALID
        assert result.err.count("Must have at most 8000 characters.") == 1
        assert "pydantic" not in result.err

    @pytest.mark.usefixtures("studio")
    def test_what_does_not_even_make_a_request_is_invalid_too(self, fluxtune):
        assert fluxtune("dataset", "create", "Mugs", "--sample").code == exits.OK
        result = fluxtune("caption", "write", "Mugs", "--prompt", "a" * 100_000, "--json")
        assert result.code == exits.INVALID
        assert "prompt: " in result.json["detail"]
        assert "pydantic" not in result.json["detail"]

    @pytest.mark.skipif(ON_POSTGRESQL, reason="There as many servers as are started work side by side")
    @pytest.mark.usefixtures("studio")
    def test_a_second_server_is_a_conflict(self, fluxtune):
        result = fluxtune("serve", "--port", "0", "--no-open")
        assert result.code == exits.CONFLICT
        assert "running already" in result.err


class TestBases:
    def test_are_listed_with_the_command_that_gets_them(self, fluxtune):
        result = fluxtune("model", "bases", "--json")
        found = {each["name"]: each for each in result.json}
        assert found["pocket"]["is_ready"]
        assert found["flux2-klein-base-4b"]["command"].startswith("hf download")
        text = fluxtune("model", "bases").out
        assert "FLUX.2 klein base 4B" in text
        assert "https://huggingface.co/black-forest-labs/FLUX.2-dev" in text

    def test_an_absent_base_names_its_command(self, fluxtune):
        result = fluxtune("generate", "a cat", "--model", "flux2-klein-base-4b")
        assert result.code == exits.NOT_READY
        assert "hf download" in result.err


class TestDoctor:
    def test_tells_of_bases_that_could_be_added(self, fluxtune):
        found = {each["name"]: each for each in fluxtune("doctor", "--json").json["findings"]}
        assert "FLUX.2 klein base 4B" in found["more bases"]["text"]
        assert "hf download" in found["more bases"]["command"]

    def test_reports_everything(self, fluxtune):
        result = fluxtune("doctor", "--json")
        found = {each["name"]: each for each in result.json["findings"]}
        assert found["base pocket"]["is_ready"]
        assert found["engine"]["is_ready"]
        assert result.code == (exits.OK if result.json["is_ready"] else exits.NOT_READY)

    def test_names_the_command_that_adds_the_engine(self, fluxtune, monkeypatch):
        monkeypatch.setattr("fluxtune.engine.doctor.find_spec", lambda name: None)
        result = fluxtune("doctor")
        assert result.code == exits.NOT_READY
        assert "pip install 'fluxtune[local]'" in result.out


@pytest.mark.parametrize("arguments", [["--help"], ["doctor", "--help"]])
def test_help_needs_neither_torch_nor_the_server(arguments):
    code = (
        "import sys\nfrom fluxtune.cli.main import run\n"
        f"run({arguments!r})\n"
        "print([m for m in ('torch', 'fastapi', 'sqlalchemy', 'dbos', 'numpy') if m in sys.modules], file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert result.stderr.strip() == "[]"
