"""Recipes as files, templates, the queue, and what the exit code of a followed run says."""

import pytest

from fluxtune.cli import exits
from fluxtune.cli.steering import _room
from fluxtune.core.errors import DiskFull, EngineCrashed, JobFailed, LossNotFinite, OutOfMemory


@pytest.fixture
def started(fluxtune):
    """Two finetunes that wait."""
    fluxtune("dataset", "create", "Try", "--sample")
    names = ("First", "Second")
    return [fluxtune("finetune", "start", "--dataset", "Try", "--name", name, "--json").json for name in names]


@pytest.mark.usefixtures("studio")
class TestRecipes:
    def test_a_recipe_file_makes_the_same_finetune(self, fluxtune, started, tmp_path):
        file = tmp_path / "r.yaml"
        assert fluxtune("finetune", "recipe", "First", "--out", file).code == exits.OK
        assert fluxtune("finetune", "recipe", "First").out == file.read_text()
        again = fluxtune("finetune", "start", "--recipe", file, "--json")
        assert again.code == exits.OK, again.out
        assert again.json["recipe"] == started[0]["recipe"]
        assert (again.json["dataset_name"], again.json["name"]) == ("Try", "First 2")

    def test_options_go_before_the_file(self, fluxtune, started, tmp_path):
        file = tmp_path / "r.yaml"
        file.write_text("dataset: nothing\nquality: best\nrecipe: {steps: 40, rank: 4}\n")
        start = ["finetune", "start", "--recipe", file, "--dataset", "Try", "--quality", "draft", "--set", "rank=2"]
        made = fluxtune(*start, "--json").json
        assert (made["quality"], made["recipe"]["steps"], made["recipe"]["rank"]) == ("draft", 40, 2)

    def test_all_that_is_wrong_is_named(self, fluxtune, started, tmp_path):
        file = tmp_path / "r.yaml"
        file.write_text("dataset: Try\nspeed: 9\nrecipe:\n  steps: 0\n  strange: 1\n")
        result = fluxtune("finetune", "start", "--recipe", file)
        assert result.code == exits.INVALID
        for words in ("Line 2", "speed", "Line 4", "recipe.steps", "Line 5", "recipe.strange"):
            assert words in result.err

    def test_contradictions_are_named(self, fluxtune, started, tmp_path):
        file = tmp_path / "r.yaml"
        file.write_text(
            "dataset: Try\nrecipe: {steps: 9, warmup_steps: 30, validation_images: 10, validate_every: 5}\n"
        )
        result = fluxtune("finetune", "start", "--recipe", file)
        assert result.code == exits.INVALID
        assert "recipe.warmup_steps" in result.err
        assert "recipe.validation_images" in result.err

    def test_what_is_wrong_with_options_is_named_all_at_once(self, fluxtune, started):
        result = fluxtune("finetune", "start", "--dataset", "Try", "--set", "speed=9", "--set", "light=1", "--json")
        assert result.code == exits.INVALID
        assert [error["field"] for error in result.json["errors"]] == ["speed", "light"]

    def test_no_file_and_no_dataset(self, fluxtune, tmp_path):
        assert fluxtune("finetune", "start", "--recipe", tmp_path / "none.yaml").code == exits.NOT_FOUND
        result = fluxtune("finetune", "start")
        assert result.code == exits.INVALID
        assert "--dataset" in result.err


@pytest.mark.usefixtures("studio")
class TestTemplates:
    def test_kept_used_exported_imported_and_removed(self, fluxtune, started, tmp_path):
        saved = fluxtune("template", "save", "Mine", "--from", "First", "--json")
        assert saved.code == exits.OK, saved.out
        assert fluxtune("template", "save", "mine", "--from", "First").code == exits.CONFLICT
        file = tmp_path / "t.yaml"
        fluxtune("template", "export", "Mine", "--out", file)
        assert fluxtune("template", "import", file).code == exits.CONFLICT
        assert fluxtune("template", "import", file, "--name", "Copy", "--json").json["recipe"] == saved.json["recipe"]
        assert [each["name"] for each in fluxtune("template", "list", "--json").json] == ["Copy", "Mine"]
        made = fluxtune("finetune", "start", "--dataset", "Try", "--template", "copy", "--set", "rank=2", "--json").json
        assert made["recipe"] == started[0]["recipe"] | {"rank": 2}
        assert fluxtune("template", "remove", "Mine").code == exits.OK
        assert fluxtune("template", "remove", "Mine").code == exits.NOT_FOUND


@pytest.mark.usefixtures("studio")
class TestQueue:
    def test_moved(self, fluxtune, started):
        first, second = (each["id"] for each in started)
        moved = fluxtune("queue", "move", second, "--before", first, "--json")
        assert moved.code == exits.OK, moved.out
        assert [job["target_id"] for job in moved.json] == [second, first]
        assert [job["target_id"] for job in fluxtune("queue", "list", "--json").json] == [second, first]
        assert fluxtune("queue", "move", "Finetune “Second”").code == exits.OK
        by_name = fluxtune("queue", "move", "second", "--before", "FIRST", "--json").json
        assert [job["target_id"] for job in by_name] == [second, first]
        assert fluxtune("queue", "move", "nothing").code == exits.NOT_FOUND
        assert "Second" in fluxtune("queue", "list").out


@pytest.mark.usefixtures("studio")
class TestSteering:
    @pytest.mark.parametrize(
        "words", [("sample",), ("save",), ("extend", "--steps", "5"), ("restart", "--step", "9")], ids=lambda w: w[0]
    )
    def test_what_has_not_begun_says_so(self, fluxtune, started, words):
        result = fluxtune("finetune", words[0], "First", *words[1:], "--json")
        assert result.code == (exits.NOT_FOUND if words[0] == "restart" else exits.CONFLICT), result.out
        assert result.json["action"]

    def test_a_webhook_and_its_secret(self, fluxtune, started, monkeypatch):
        monkeypatch.setenv("FLUXTUNE_WEBHOOK_SECRET", "correct horse battery")
        made = fluxtune("finetune", "start", "--dataset", "Try", "--webhook", "https://example.com/x", "--json")
        assert made.json["webhook_url"] == "https://example.com/x"
        assert "horse" not in made.out + made.err
        assert fluxtune("finetune", "start", "--dataset", "Try", "--webhook", "http://10.0.0.1/").code == exits.INVALID


@pytest.mark.parametrize(
    ("state", "error", "reason", "code"),
    [
        ("succeeded", None, None, exits.OK),
        ("cancelled", None, None, exits.CANCELLED),
        ("paused", None, "user", exits.PAUSED),
        ("paused", None, "disk-full", exits.DISK_FULL),
        ("failed", OutOfMemory(), None, exits.OUT_OF_MEMORY),
        ("failed", DiskFull(), None, exits.DISK_FULL),
        ("failed", LossNotFinite(), None, exits.UNSTABLE),
        ("failed", EngineCrashed(), None, exits.CRASHED),
        ("failed", JobFailed(), None, exits.FAILED),
        ("failed", None, None, exits.FAILED),
        ("queued", None, None, exits.FAILED),
    ],
)
def test_the_exit_code_says_how_it_ended(state, error, reason, code):
    assert exits.code_of_end(state, error.problem() if error else None, reason) == code


@pytest.mark.parametrize(("there", "told"), [(0, "2.0 GB"), (3, "fits with 1.0 GB to spare"), (1, "does not fit")])
def test_a_probe_says_whether_it_fits(there, told):
    assert _room(2 * 10**9, there * 10**9).endswith(told)
