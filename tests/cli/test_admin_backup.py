"""`fluxtune admin backup`, `backups`, `verify` and `restore`: a studio is copied, destroyed and there again."""

import json
import shutil

import pytest

from fluxtune.cli.main import run
from fluxtune.config import Settings
from tests.places import ON_POSTGRESQL


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]):
    """Run a command and return its code and what it printed as JSON."""

    def command(*arguments: str, code: int = 0):
        assert run([*arguments, "--json"]) == code
        return json.loads(capsys.readouterr().out)

    return command


@pytest.mark.skipif(ON_POSTGRESQL, reason="test_admin_backup_places does it there: the studio is more than a folder")
def test_copied_destroyed_restored(command, settings: Settings, tmp_path) -> None:
    data, folder = str(settings.data), str(tmp_path / "backups")
    (settings.paths.blobs / "images").mkdir()
    (settings.paths.blobs / "images" / "a.png").write_bytes(b"image")
    (settings.data / "secret.key").write_bytes(b"key")
    made = command("admin", "backup", "--to", folder, "--data", data)
    assert made["file_count"] == 2
    assert [each["id"] for each in command("admin", "backups", "--from", folder)] == [made["id"]]
    assert command("admin", "verify", made["id"], "--from", folder)["problems"] == []
    assert command("admin", "restore", "--from", folder, "--data", data, code=5)["status"] == 409
    shutil.rmtree(settings.data)
    assert command("admin", "restore", "--from", folder, "--data", data)["file_count"] == 2
    assert (settings.paths.blobs / "images" / "a.png").read_bytes() == b"image"
    again = command("admin", "backup", "--to", folder, "--data", data)
    content = {table["name"]: table["content"] for table in made["tables"]}
    later = {table["name"]: table["content"] for table in again["tables"]}
    changed = {name for name in content if content[name] != later[name]}
    assert all(name.startswith("audit") for name in changed), f"only the log tells of it: {changed}"


def test_damage_exits_with_1(command, settings: Settings, tmp_path) -> None:
    folder = tmp_path / "backups"
    command("admin", "backup", "--to", str(folder), "--data", str(settings.data))
    victim = max((folder / "objects").glob("*/*"), key=lambda path: path.stat().st_size)
    victim.write_bytes(b"x")
    assert command("admin", "verify", "--from", str(folder), code=1)["problems"]


def test_nothing_to_copy_and_nothing_to_restore(command, tmp_path) -> None:
    assert command("admin", "backup", "--data", str(tmp_path / "none"), code=4)["title"] == "There is nothing to copy"
    assert command("admin", "restore", "--from", str(tmp_path), "--data", str(tmp_path / "new"), code=4)
