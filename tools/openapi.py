"""Write openapi.json, the contract between server, browser UI and Python client, from the code."""

import json
import tempfile
from pathlib import Path

FILE = Path(__file__).resolve().parents[1] / "openapi.json"


def schema_text() -> str:
    """Return the contract as it is now."""
    from fluxtune.api.app import create_app
    from fluxtune.config import load_settings

    with tempfile.TemporaryDirectory() as folder:
        app = create_app(load_settings(Path(folder)))
        text = json.dumps(app.openapi(), indent=2, ensure_ascii=False) + "\n"
        app.state.database.close()
    return text


if __name__ == "__main__":
    FILE.write_text(schema_text(), encoding="utf-8")
    print(f"wrote {FILE.name}")
