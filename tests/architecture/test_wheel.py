"""What the wheel carries: everything a first run needs, and nothing of the workshop."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NEEDED = (
    "fluxtune/py.typed",
    "fluxtune/engine/bases/pocket/model_index.json",
    "fluxtune/engine/bases/pocket/fluxtune.json",
    "fluxtune/engine/bases/pocket/transformer/diffusion_pytorch_model.safetensors",
    "fluxtune/engine/bases/pocket/vae/diffusion_pytorch_model.safetensors",
    "fluxtune/engine/bases/pocket/text_encoder/model.safetensors",
    "fluxtune/engine/bases/pocket/tokenizer/tokenizer.json",
    "fluxtune/db/migrations/env.py",
    "fluxtune/db/migrations/script.py.mako",
)
BIGGEST = 40_000_000


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel without a UI build, which `make test` has done already."""
    target = tmp_path_factory.mktemp("wheel")
    code = (
        "import os, sys; os.environ['FLUXTUNE_SKIP_UI'] = '1'; "
        f"from hatchling.build import build_wheel; build_wheel({str(target)!r})"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, timeout=120)
    (file,) = target.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def names(wheel):
    return set(zipfile.ZipFile(wheel).namelist())


def test_carries_what_a_first_run_needs(names):
    missing = [name for name in NEEDED if name not in names]
    assert not missing
    samples = [name for name in names if name.startswith("fluxtune/datasets/samples/") and name.endswith("sample.json")]
    assert len(samples) >= 3
    assert any(name.startswith("fluxtune/db/migrations/versions/") for name in names)


def test_carries_the_built_ui_though_git_ignores_it(names):
    built = ROOT / "src" / "fluxtune" / "web" / "dist" / "index.html"
    assert ("fluxtune/web/dist/index.html" in names) == built.is_file()


def test_leaves_the_workshop_at_home(names):
    foreign = {name.split("/")[0] for name in names} - {"fluxtune"}
    assert all(name.startswith("fluxtune-") and name.endswith(".dist-info") for name in foreign)


def test_is_small_enough_to_download(wheel):
    assert wheel.stat().st_size < BIGGEST
