"""Find and describe bases: reads the JSON files of a diffusers folder, never a weight. No torch here.

A base is a folder in the diffusers layout. A `fluxtune.json` beside its `model_index.json` (FLUX.3 has a
`modular_model_index.json`) may say what the layout has no field for: title, description, licence, default steps and
size, text layers, token limit, and how timesteps are drawn when training. What it does not say comes from the
pipeline class.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fluxtune.core.errors import InvalidInput, NotReady
from fluxtune.engine.known_bases import Family as Family
from fluxtune.engine.known_bases import Training as Training
from fluxtune.engine.known_bases import known_base, name_in_cache
from fluxtune.engine.weight_files import parameter_count, weight_bytes, weight_file_problem

INDEXES = ("model_index.json", "modular_model_index.json")
PICKLES = {".bin", ".pt", ".pth", ".ckpt", ".pkl"}
FAMILY_OF_CLASS: dict[str, Family] = {
    "FluxPipeline": "flux1",
    "Flux2Pipeline": "flux2",
    "Flux2KleinPipeline": "flux2",
    "Flux3ModularPipeline": "flux3",
    "Flux3DistilledModularPipeline": "flux3",
}
MODULAR_PARTS = ("transformer", "vae", "text_encoder", "tokenizer")  # FLUX.3 without its prompt upsampler


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
    parts_path: Path | None = None
    """Where `path` is a transformer's file: the folder that has the other parts."""
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
    training: Training = "yes"
    training_note: str | None = None
    """Why training on it is discouraged or refused, and what to train on instead."""
    is_flow_map: bool = False
    """A distilled FLUX.3: each step is also told the noise level it jumps to."""
    block_count: int = 1
    hidden_size: int = 0
    transformer_bytes: int
    transformer_parameters: float = 0.0
    text_encoder_parameters: float = 0.0
    text_encoder_bytes: int
    vae_bytes: int
    fingerprint: str

    @property
    def byte_count(self) -> int:
        """Size of all weights on disk."""
        return self.transformer_bytes + self.text_encoder_bytes + self.vae_bytes

    @property
    def folder(self) -> Path:
        """The folder in the diffusers layout: the base's own, or the one a single file takes its other parts from."""
        return self.parts_path or self.path

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
            if path.is_dir() and index_of(path) is None:
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
            for snapshot in sorted(child.glob("snapshots/*"), reverse=True):
                yield snapshot, name_in_cache(snapshot) or child.name
        elif child.is_dir():
            yield child, child.name
        elif child.suffix == ".safetensors":
            yield child, child.stem


def index_of(path: Path) -> Path | None:
    """Return the file that makes a folder a base, or None."""
    return next((path / name for name in INDEXES if (path / name).is_file()), None)


def require_trainable(base: BaseDescription) -> BaseDescription:
    """Return the base; raise `InvalidInput` when it is for generating only."""
    if base.training == "no":
        raise InvalidInput(
            f"{base.title}: {base.training_note}",
            title="This base is for generating only",
            action="Choose the base it was distilled from; its adapters can be used with the distilled one.",
        )
    return base


def require_base(path: Path) -> BaseDescription:
    """Describe a base that is about to be loaded; raise `NotReady` when something of it is missing."""
    base = describe_base(path)
    if not base.is_ready:
        raise NotReady(
            base.missing or "",
            title=f"The base {base.title} can't be used yet",
            action=known.how_to_get(path.parent)
            if (known := known_base(base.name))
            else "Complete its folder (diffusers layout, safetensors weights), or choose another base.",
        )
    return base


def describe_base(path: Path, name: str | None = None) -> BaseDescription:
    """Read the JSON files of a base folder, or the header of a transformer's file.

    A folder's name is fluxtune.json's, else the one given, else the folder's.

    Raises `InvalidInput` when it is no diffusers folder of FLUX.1, FLUX.2 or FLUX.3; weights that are missing or are
    pickles do not raise: `is_ready` is false and `missing` says why.
    """
    if path.is_file():
        from fluxtune.engine.single_file import describe_file

        return describe_file(path, name)
    index = _read_json(index_of(path) or path / "model_index.json", required=True)
    pipeline_class = str(index.get("_class_name", ""))
    if pipeline_class not in FAMILY_OF_CLASS:
        raise InvalidInput(
            f"{path.name} holds a {pipeline_class or 'pipeline without a name'}; "
            f"known are {', '.join(sorted(FAMILY_OF_CLASS))}.",
            title="This base is not supported",
            action="Choose a FLUX.1, FLUX.2 or FLUX.3 folder in the diffusers layout.",
        )
    family = FAMILY_OF_CLASS[pipeline_class]
    own = _read_json(path / "fluxtune.json")
    transformer = _read_json(path / "transformer" / "config.json")
    name = str(own.get("name") or name or name_in_cache(path) or path.name)
    values = _defaults(name, pipeline_class, index, transformer, path) | {k: v for k, v in own.items() if v is not None}
    missing = _missing_parts(path, index)
    hidden_size = transformer.get("num_attention_heads", 24) * transformer.get("attention_head_dim", 128)
    training, training_note = _training(pipeline_class, index, transformer)
    try:
        return BaseDescription(
            name=name,
            path=path,
            title=values["title"],
            description=values["description"],
            licence=values["licence"],
            family=family,
            pipeline_class=pipeline_class,
            is_ready=missing is None,
            missing=missing,
            is_small=hidden_size < 1024,
            default_steps=values["default_steps"],
            default_guidance=values["default_guidance"],
            default_width=values["default_width"],
            default_height=values["default_height"],
            max_width=values.get("max_width", 2 * values["default_width"]),
            max_height=values.get("max_height", 2 * values["default_height"]),
            max_prompt_tokens=values["max_sequence_length"],
            text_encoder_out_layers=values.get("text_encoder_out_layers"),
            train_timestep_sampling=_sampling(values.get("train_timestep_sampling")),
            training=training,
            training_note=training_note,
            is_flow_map=bool(transformer.get("flow_map", False)),
            block_count=transformer.get("num_layers", 1) + transformer.get("num_single_layers", 1),
            hidden_size=hidden_size,
            transformer_bytes=weight_bytes(path / "transformer"),
            transformer_parameters=parameter_count(path / "transformer"),
            text_encoder_parameters=parameter_count(path / "text_encoder") + parameter_count(path / "text_encoder_2"),
            text_encoder_bytes=weight_bytes(path / "text_encoder") + weight_bytes(path / "text_encoder_2"),
            vae_bytes=weight_bytes(path / "vae"),
            fingerprint=_fingerprint(path),
        )
    except ValidationError as error:
        raise InvalidInput(
            f"fluxtune.json of {path.name} has values that make no sense.",
            title="This base can't be read",
            technical=str(error),
        ) from error


def _defaults(
    name: str, pipeline_class: str, index: dict[str, Any], transformer: dict[str, Any], path: Path
) -> dict[str, Any]:
    """What the published models want, by their names and pipeline classes (their model cards)."""
    known = known_base(name)
    common = {"title": known.title if known else name, "description": known.description if known else "",
              "licence": known.licence if known else _licence_of_card(path), "max_sequence_length": 512,
              "default_width": 1024, "default_height": 1024}  # fmt: skip
    if pipeline_class == "Flux2KleinPipeline":
        steps, guidance = (4, 1.0) if index.get("is_distilled", False) else (50, 4.0)
    elif pipeline_class == "Flux2Pipeline":
        steps, guidance = 50, 4.0
    elif FAMILY_OF_CLASS[pipeline_class] == "flux3":
        steps, guidance = (16, 1.0) if transformer.get("flow_map", False) else (50, 4.0)
        common["max_sequence_length"] = 2000  # a multiple of the window; what its upsampler writes is this long
    else:
        has_guidance = transformer.get("guidance_embeds", False)
        steps, guidance = (28, 3.5) if has_guidance else (4, 0.0)
        common["max_sequence_length"] = 512 if has_guidance else 256
    return common | {"default_steps": steps, "default_guidance": guidance}


def _training(pipeline_class: str, index: dict[str, Any], transformer: dict[str, Any]) -> tuple[Training, str | None]:
    """Say whether a base is one to train on. Distilled models are not: training takes their few steps apart."""
    if transformer.get("flow_map", False):
        return "no", (
            "it is distilled to jump between noise levels, which training does not practise. Train on FLUX.3 klein "
            "base; adapters made there work here, too."
        )
    if index.get("is_distilled", False):
        return "discouraged", (
            "It is distilled to few steps, and training wears that off. Train on its base sibling; adapters made "
            "there work here, too."
        )
    if pipeline_class == "FluxPipeline" and not transformer.get("guidance_embeds", False):
        return "discouraged", (
            "FLUX.1 schnell is distilled to four steps, and training wears that off. Train on FLUX.1 dev, or on FLUX.2 "
            "klein base, whose licence is as free."
        )
    return "yes", None


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
    for part in _parts(index):
        folder = path / part
        if not folder.is_dir():
            return f"The folder {part} is missing."
        if not _has_weights(part):
            continue
        problem = _weight_problem(folder)
        if problem:
            return problem
    return None


def _parts(index: dict[str, Any]) -> Iterable[str]:
    """Return the folders an index wants. A modular one also names parts that are made anew, or lie elsewhere."""
    if "modular" in str(index.get("_class_name", "")).lower():
        return MODULAR_PARTS
    return [
        part
        for part, origin in index.items()
        if not part.startswith("_") and isinstance(origin, list) and len(origin) == 2 and origin[0] is not None
    ]


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
    broken = (weight_file_problem(file) for file in sorted(folder.glob("*.safetensors")))
    return next((f"{folder.name}: {problem}" for problem in broken if problem), None)


def _fingerprint(path: Path) -> str:
    """Name the base's content: its JSON files, and of each weight file name, size, beginning and end."""
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")):
        if not file.is_file() or file.name in ("fluxtune.json", "modular_model_index.json"):  # says where it was saved
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
