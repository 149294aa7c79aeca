import subprocess
from pathlib import Path

from fluxtune.backends.local.children import engine_command


class TestEngineCommand:
    def test_files_of_the_current_folder_are_not_taken_for_libraries(self, tmp_path: Path) -> None:
        (tmp_path / "pydantic.py").write_text("raise SystemExit('the wrong pydantic')")
        done = subprocess.run(engine_command("nonsense"), cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert "usage" in done.stderr
