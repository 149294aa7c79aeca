"""LoRA files of other programs become ordinary models of the catalogue."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Protocol

from sqlalchemy.orm import Session

from fluxtune.config import Settings
from fluxtune.core.errors import DiskFull, InvalidInput
from fluxtune.core.ids import new_id
from fluxtune.core.text import clean_text
from fluxtune.db import is_disk_full
from fluxtune.engine.lora_files.convert import convert
from fluxtune.engine.lora_files.finite import require_finite
from fluxtune.engine.lora_files.fits import Candidate, Match, candidate_of, matches, title_of
from fluxtune.engine.lora_files.metadata import Facts, carried, facts_of, modelspec
from fluxtune.engine.lora_files.reading import LoraFile, recognise_lora
from fluxtune.models import bases
from fluxtune.models.schemas import Model, Provenance
from fluxtune.models.service import ModelService, NewModel, StoredAdapter, file_sha256
from fluxtune.storage import Blobs

MODES = ("character", "product", "style", "general")


@dataclass(frozen=True, slots=True)
class Origin:
    """A finetune of this studio that was trained elsewhere: what it knows of the file it made."""

    finetune_id: str
    dataset_id: str
    mode: str
    step: int
    description: str
    prompts: list[str]
    cover_image_id: str | None
    notes: list[str]


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody says of a file they import; empty means: what the file says."""

    name: str = ""
    base: str = ""
    trigger_word: str = ""
    origin: Origin | None = None


class Transactions(Protocol):
    """Opens transactions: a database, or a job."""

    def transaction(self) -> AbstractContextManager[Session]:
        """Open a session that is committed when the block ends well."""
        ...


def import_model(
    database: Transactions, blobs: Blobs, settings: Settings, filename: str, content: BinaryIO, wish: Wish
) -> Model:
    """Add a model from a LoRA file of any layout; raises `InvalidInput` saying why a file can't be one.

    The file is converted before the transaction, so that nobody waits for it.
    """
    model_id, version_id = new_id(), new_id()
    target = settings.paths.model_version(model_id, version_id)
    try:
        with _as_file(settings.paths.models / model_id, filename, content) as path:
            lora = recognise_lora(path)
            require_finite(path, lora.header)
            found = matches(lora, _candidates(settings))
            match = _chosen(found, wish.base, path.name)
            facts = facts_of(lora.header.metadata)
            trigger_word = clean_text(wish.trigger_word)[:60] or facts.trigger_word
            provenance = _provenance(lora, match, found, facts)
            own = {
                **carried(lora.header.metadata),
                **modelspec(match.reading.family, title=facts.title or path.stem, trigger_word=trigger_word,
                            description=facts.description, licence=facts.licence, tags=facts.tags),
                "fluxtune.base": match.candidate.name,
                "fluxtune.trigger_word": trigger_word,
                "fluxtune.imported_from": provenance.layout_title,
            }  # fmt: skip
            convert(path, target, "diffusers", own, match.reading)
        stored = StoredAdapter(model_id, version_id, target.stat().st_size, file_sha256(target))
        name = clean_text(wish.name)[:110] or facts.title or _words(filename)
        made = NewModel(
            finetune_id=None, dataset_id=None, name=name, base=match.candidate.name,
            mode=_mode(lora.header.metadata), trigger_word=trigger_word, prompts=[trigger_word or name],
            description=facts.description, cover_image_id=None, step=facts.steps,
            tags=list(facts.tags), provenance=provenance.model_dump(mode="json"),
        )  # fmt: skip
        if wish.origin is not None:
            made = _of_origin(made, wish.origin)
        with database.transaction() as session:
            return ModelService(session, blobs, settings).create_model(made, stored)
    except BaseException as error:
        shutil.rmtree(target.parent, ignore_errors=True)
        if isinstance(error, OSError) and is_disk_full(error):
            raise DiskFull("The file found no room.", action="Free some room, then import it again.") from error
        raise


def _of_origin(made: NewModel, origin: Origin) -> NewModel:
    """Return a model with what its finetune knows better than its file."""
    provenance = made.provenance or {}
    return replace(
        made,
        finetune_id=origin.finetune_id,
        dataset_id=origin.dataset_id,
        mode=origin.mode,
        step=origin.step,
        description=origin.description,
        prompts=origin.prompts or made.prompts,
        cover_image_id=origin.cover_image_id,
        provenance={**provenance, "notes": [*origin.notes, *provenance.get("notes", [])]},
    )


@contextmanager
def _as_file(folder: Path, filename: str, content: BinaryIO) -> Iterator[Path]:
    """Keep an upload as a file of its own name, as long as it is looked at."""
    name = re.sub(r"[^\w .()+-]", "_", Path(filename.replace("\\", "/")).name).strip(" .")[-120:] or "file"
    if not name.lower().endswith(".safetensors"):
        # recognised by content, but pickles are named for what they are
        name += "" if "." in name else ".safetensors"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    try:
        with path.open("wb") as file:
            shutil.copyfileobj(content, file, 1 << 20)
        yield path
    finally:
        with suppress(OSError):
            os.unlink(path)


def _candidates(settings: Settings) -> list[Candidate]:
    """Return the bases that are here, as far as their shapes are known."""
    found = (candidate_of(base) for base in bases.list_bases(settings))
    return [each for each in found if each is not None]


def _chosen(found: list[Match], wish: str, filename: str) -> Match:
    if not wish:
        return found[0]
    for match in found:
        if match.candidate.name == wish:
            return match
    fitting = ", ".join(match.candidate.name for match in found)
    raise InvalidInput(
        f"{filename} does not fit {title_of(wish)}; it fits {fitting}.",
        title="The adapter does not fit this base",
        action="Choose one of those, or leave the base to fluxtune.",
        field="base",
    )


def _provenance(lora: LoraFile, match: Match, found: list[Match], facts: Facts) -> Provenance:
    return Provenance(
        file=lora.path.name,
        sha256=file_sha256(lora.path),
        layout=lora.layout,
        layout_title=lora.layout_title,
        family=match.reading.family,
        rank=lora.rank,
        scale=lora.scale,
        fits=[each.candidate.name for each in found],
        author=facts.author,
        licence=facts.licence,
        notes=list(lora.notes),
    )


def _mode(metadata: dict[str, str]) -> str:
    said = metadata.get("fluxtune.mode", "")
    return said if said in MODES else "general"


def _words(filename: str) -> str:
    """Return a file's name as a person would write it."""
    stem = Path(filename.replace("\\", "/")).name.rsplit(".", 1)[0]
    return clean_text(re.sub(r"[_\s]+", " ", stem))[:110] or "Imported model"
