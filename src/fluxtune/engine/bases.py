"""Find and describe bases: reads the JSON files of a diffusers folder, never a weight. No torch here.

A base is a folder in the diffusers layout. A `fluxtune.json` beside its `model_index.json` may say what the
layout has no field for: title, description, licence, default steps and size, text layers, token limit, and how
timesteps are drawn when training. What it does not say comes from the pipeline class.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fluxtune.core.errors import InvalidInput, NotReady

Family = Literal["flux1", "flux2"]

PICKLES = {".bin", ".pt", ".pth", ".ckpt", ".pkl"}
FAMILY_OF_CLASS: dict[str, Family] = {"FluxPipeline": "flux1", "Flux2Pipeline": "flux2", "Flux2KleinPipeline": "flux2"}


class TimestepSampling(BaseModel):
    """How noise levels are drawn in training.

    `uniform`: every level alike (diffusers' scripts). `logit_normal`: sigmoid of a normal draw. Either may be pushed
    towards noise by a fixed `shift`, or by the family's own rule from the number of image tokens (`dynamic_shift`),
    as sampling does: sigma' = s·sigma / (1 + (s - 1)·sigma).
    """

    model_config = ConfigDict(extra="ignore")

    kind: Literal["uniform", "logit_normal"] = "logit_normal"
    mean: float = 0.0
    std: float = Field(1.0, gt=0)
    shift: float = Field(1.0, gt=0)
    dynamic_shift: bool = False


NAMED_SAMPLING = {
    "uniform": TimestepSampling(kind="uniform"),
    "logit_normal": TimestepSampling(kind="logit_normal"),
    "flux_shift": TimestepSampling(kind="logit_normal", dynamic_shift=True),
    "flux2_shift": TimestepSampling(kind="logit_normal", dynamic_shift=True),
}


class BaseDescription(BaseModel):
    """What is known of a base without loading it."""

    name: str
    path: Path
    title: str
    description: str
    licence: str
    family: Family
    pipeline_class: str
    is_ready: bool
    missing: str | None
    is_small: bool
    default_steps: int
    default_guidance: float
    default_width: int
    default_height: int
    max_width: int
    max_height: int
    max_prompt_tokens: int
    text_encoder_out_layers: list[int] | None
    train_timestep_sampling: TimestepSampling
    transformer_bytes: int
    text_encoder_bytes: int
    vae_bytes: int
    fingerprint: str

    @property
    def byte_count(self) -> int:
        """Size of all weights on disk."""
        return self.transformer_bytes + self.text_encoder_bytes + self.vae_bytes

    @property
    def train_resolution(self) -> int:
        """Side in pixels of the square whose area a training image gets by default."""
        return min(self.default_width, self.default_height)


def shipped_bases() -> Path:
    """Return the folder of the bases that come with the package."""
    return Path(__file__).with_name("bases")


def find_bases(folders: Iterable[Path]) -> list[BaseDescription]:
    """Describe every base in the given folders: a folder may be a base itself or hold bases.

    A Hugging Face cache folder (`models--owner--name/snapshots/…`) is understood too. The first of two with the same
    name wins. Folders of another pipeline are left out; one with parts missing is listed, and `missing` says which.
    """
    found: dict[str, BaseDescription] = {}
    for folder in folders:
        for path, name in _candidates(folder):
            if not (path / "model_index.json").is_file():
                continue
            try:
                base = describe_base(path, name)
            except InvalidInput:
                continue
            found.setdefault(base.name, base)
    return list(found.values())


def _candidates(folder: Path) -> Iterable[tuple[Path, str]]:
    """Yield folders that may be bases, with the name each would have."""
    if not folder.is_dir():
        return
    yield folder, folder.name
    for child in sorted(folder.iterdir()):
        if child.name.startswith("models--"):
            name = child.name.rpartition("--")[2].lower().replace(".", "")
            yield from ((snapshot, name) for snapshot in sorted(child.glob("snapshots/*"), reverse=True))
        elif child.is_dir():
            yield child, child.name


def require_base(path: Path) -> BaseDescription:
    """Describe a base that is about to be loaded; raise `NotReady` when something of it is missing."""
    base = describe_base(path)
    if not base.is_ready:
        raise NotReady(
            base.missing or "",
            title=f"The base {base.title} can't be used yet",
            action="Complete its folder (diffusers layout, safetensors weights), or choose another base.",
        )
    return base


def describe_base(path: Path, name: str | None = None) -> BaseDescription:
    """Read the JSON files of a base folder. Its name is fluxtune.json's, else the one given, else the folder's.

    Raises `InvalidInput` when it is no diffusers folder of FLUX.1 or FLUX.2; weights that are missing or are
    pickles do not raise: `is_ready` is false and `missing` says why.
    """
    index = _read_json(path / "model_index.json", required=True)
    pipeline_class = str(index.get("_class_name", ""))
    if pipeline_class not in FAMILY_OF_CLASS:
        raise InvalidInput(
            f"{path.name} holds a {pipeline_class or 'pipeline without a name'}; "
            f"known are {', '.join(sorted(FAMILY_OF_CLASS))}.",
            title="This base is not supported",
            action="Choose a FLUX.1 or FLUX.2 folder in the diffusers layout.",
        )
    family = FAMILY_OF_CLASS[pipeline_class]
    own = _read_json(path / "fluxtune.json")
    transformer = _read_json(path / "transformer" / "config.json")
    values = _defaults(pipeline_class, index, path) | {k: v for k, v in own.items() if v is not None}
    missing = _missing_parts(path, index)
    heads, width = transformer.get("num_attention_heads", 24), transformer.get("attention_head_dim", 128)
    try:
        return BaseDescription(
            name=str(own.get("name") or name or path.name),
            path=path,
            title=values["title"],
            description=values["description"],
            licence=values["licence"],
            family=family,
            pipeline_class=pipeline_class,
            is_ready=missing is None,
            missing=missing,
            is_small=heads * width < 1024,
            default_steps=values["default_steps"],
            default_guidance=values["default_guidance"],
            default_width=values["default_width"],
            default_height=values["default_height"],
            max_width=values.get("max_width", 2 * values["default_width"]),
            max_height=values.get("max_height", 2 * values["default_height"]),
            max_prompt_tokens=values["max_sequence_length"],
            text_encoder_out_layers=values.get("text_encoder_out_layers"),
            train_timestep_sampling=_sampling(values.get("train_timestep_sampling")),
            transformer_bytes=_weight_bytes(path / "transformer"),
            text_encoder_bytes=_weight_bytes(path / "text_encoder") + _weight_bytes(path / "text_encoder_2"),
            vae_bytes=_weight_bytes(path / "vae"),
            fingerprint=_fingerprint(path),
        )
    except ValidationError as error:
        raise InvalidInput(
            f"fluxtune.json of {path.name} has values that make no sense.",
            title="This base can't be read",
            technical=str(error),
        ) from error


def _defaults(pipeline_class: str, index: dict[str, Any], path: Path) -> dict[str, Any]:
    """Sampling defaults of the published models, by pipeline class (their model cards)."""
    is_distilled = bool(index.get("is_distilled", False))
    common = {"title": path.name, "description": "", "licence": _licence_of_card(path), "max_sequence_length": 512,
              "default_width": 1024, "default_height": 1024}  # fmt: skip
    if pipeline_class == "Flux2KleinPipeline":
        steps, guidance = (4, 1.0) if is_distilled else (50, 4.0)
    elif pipeline_class == "Flux2Pipeline":
        steps, guidance = 50, 4.0
    else:
        has_guidance = _read_json(path / "transformer" / "config.json").get("guidance_embeds", False)
        steps, guidance = (28, 3.5) if has_guidance else (4, 0.0)
        common["max_sequence_length"] = 512 if has_guidance else 256
    return common | {"default_steps": steps, "default_guidance": guidance}


def _sampling(value: Any) -> TimestepSampling:
    """Read `train_timestep_sampling`: a name or an object; absent means the family's shifted logit-normal."""
    if value is None:
        return TimestepSampling(dynamic_shift=True)
    if isinstance(value, str):
        if value not in NAMED_SAMPLING:
            raise InvalidInput(f"train_timestep_sampling is '{value}'; known are {', '.join(NAMED_SAMPLING)}.")
        return NAMED_SAMPLING[value]
    return TimestepSampling.model_validate(value)


def _missing_parts(path: Path, index: dict[str, Any]) -> str | None:
    """Say what stops the folder from being loaded, or None."""
    for part, origin in index.items():
        if part.startswith("_") or not isinstance(origin, list) or len(origin) != 2 or origin[0] is None:
            continue
        folder = path / part
        if not folder.is_dir():
            return f"The folder {part} is missing."
        if not _has_weights(part):
            continue
        problem = _weight_problem(folder)
        if problem:
            return problem
    return None


def _has_weights(part: str) -> bool:
    return part.startswith(("transformer", "vae", "text_encoder"))


def _weight_problem(folder: Path) -> str | None:
    if not (folder / "config.json").is_file():
        return f"{folder.name}/config.json is missing."
    shards: Sequence[str] = []
    for index in folder.glob("*.safetensors.index.json"):
        shards = sorted(set(_read_json(index).get("weight_map", {}).values()))
        absent = [shard for shard in shards if not (folder / shard).is_file()]
        if absent:
            return f"{len(absent)} of {len(shards)} weight files of {folder.name} are missing, {absent[0]} first."
    if not any(folder.glob("*.safetensors")):
        if any(file.suffix in PICKLES for file in folder.iterdir()):
            return (
                f"{folder.name} has pickle weights only. A pickle can run any program when it is read, "
                "so only safetensors are accepted."
            )
        return f"{folder.name} has no weights (*.safetensors)."
    return None


def _weight_bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("*.safetensors")) if folder.is_dir() else 0


def _fingerprint(path: Path) -> str:
    """Name the base's content: its JSON files, and of each weight file name, size, beginning and end."""
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")):
        if not file.is_file() or file.name == "fluxtune.json":
            continue
        if file.suffix == ".json":
            digest.update(file.read_bytes())
        elif file.suffix == ".safetensors":
            size = file.stat().st_size
            digest.update(f"{file.relative_to(path)} {size}".encode())
            with file.open("rb") as weights:
                digest.update(weights.read(65_536))
                weights.seek(max(0, size - 65_536))
                digest.update(weights.read())
    return digest.hexdigest()[:16]


def _licence_of_card(path: Path) -> str:
    """Return the `license` of the model card's front matter, or say that it is not stated."""
    card = path / "README.md"
    if card.is_file():
        for line in card.read_text(encoding="utf-8", errors="replace").splitlines()[:40]:
            key, _, value = line.partition(":")
            if key.strip() in ("license", "license_name") and value.strip() not in ("", "other"):
                return value.strip()
    return "not stated; see where the base came from"


def _read_json(path: Path, required: bool = False) -> dict[str, Any]:
    if not path.is_file():
        if required:
            raise InvalidInput(f"There is no {path.name} in {path.parent.name}.", title="This is no base folder")
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InvalidInput(f"{path.parent.name}/{path.name} is no JSON.", technical=str(error)) from error
    return value if isinstance(value, dict) else {}
