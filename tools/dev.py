"""`make dev`: the studio, and beside it Vite, which shows every change of the browser UI at once."""

import os
import subprocess
import sys

from hatch_build import FRONTEND, build_ui, node_first

STUDIO_URL = "http://127.0.0.1:7860"
UI_ORIGIN = "http://127.0.0.1:5173"


def main() -> None:
    """Run both until Ctrl-C."""
    build_ui(dev=True)
    environment = {**os.environ, "FLUXTUNE_SERVER__ALLOWED_ORIGINS": f'["{UI_ORIGIN}"]'}
    studio = subprocess.Popen([sys.executable, "-m", "fluxtune", "serve", "--no-open"], env=environment)
    print(f"Open the address below to sign in, then {UI_ORIGIN}, where every change shows at once.", flush=True)
    try:
        with node_first():
            vite = FRONTEND / "node_modules" / "vite" / "bin" / "vite.js"
            subprocess.run(
                ["node", str(vite), "--host", "127.0.0.1"],
                cwd=FRONTEND,
                env={**os.environ, "FLUXTUNE_URL": STUDIO_URL},
                check=False,
            )
    except KeyboardInterrupt:
        pass
    finally:
        studio.terminate()
        studio.wait()


if __name__ == "__main__":
    main()
