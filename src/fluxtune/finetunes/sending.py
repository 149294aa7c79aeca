"""What a server is sent: the dataset as the contract's ZIP, and the recipe in as many words as it understands."""

import zipfile
from pathlib import Path
from typing import Any

from fluxtune.backends.fluxtune.answers import Discovered
from fluxtune.core.errors import TooLarge
from fluxtune.datasets.snapshot import Manifest, write_snapshot
from fluxtune.engine.captions import fill_trigger
from fluxtune.engine.config import Recipe, Snapshot
from fluxtune.finetunes.tables import FinetuneRow
from fluxtune.servers.schemas import Server
from fluxtune.storage import Blobs

LEAST_STEPS, MOST_STEPS = 100, 1000
RANKS = (16, 32)
LEAST_RATE, MOST_RATE = 1e-6, 5e-3
PRIORITY = {"draft": "speed", "balanced": "quality", "best": "high_res_only"}
USUAL_MOST_BYTES = 256 * 1024**2
"""The largest body that servers take which don't say."""


def plain_recipe(recipe: Recipe) -> Recipe:
    """Return the nearest recipe that BFL's fields can say: that is what a server without extensions will train."""
    rank = min(RANKS, key=lambda each: abs(each - recipe.rank))
    return recipe.model_copy(
        update={
            "steps": min(max(recipe.steps, LEAST_STEPS), MOST_STEPS),
            "rank": rank,
            "alpha": float(rank),
            "learning_rate": min(max(recipe.learning_rate, LEAST_RATE), MOST_RATE),
            "method": "lora",
        }
    )


def notes_elsewhere(server: Server, recipe: Recipe) -> list[str]:
    """Return what to know before something is trained at a server, in sentences."""
    notes: list[str] = []
    if server.problem is not None:
        notes.append(f"{server.name} did not answer when it was asked last: {server.problem.title}.")
    if "recipe" not in server.extensions:
        sent = plain_recipe(recipe)
        notes.append(
            f"{server.name} is told steps ({sent.steps:,}), learning rate ({sent.learning_rate:g}) and rank "
            f"({sent.rank}); everything else it decides by itself."
        )
    if not server.is_live:
        notes.append(f"{server.name} shows less than this computer would: no loss or samples while it trains.")
    return notes


def comment_of(row: FinetuneRow) -> str:
    """Return what the finetune is called at servers that know no keys: it must be found again by that alone."""
    return f"{row.name[:90]} [{row.id[-12:]}]"


def fields_of(row: FinetuneRow, facts: Discovered) -> dict[str, Any]:
    """Return the body of `POST /v1/finetune` without the dataset."""
    recipe = Recipe.model_validate(row.recipe)
    plain = plain_recipe(recipe)
    fields: dict[str, Any] = {
        "finetune_comment": comment_of(row),
        "mode": row.mode,
        "trigger_word": row.trigger_word,
        "iterations": plain.steps,
        "learning_rate": plain.learning_rate,
        "captioning": False,
        "priority": PRIORITY[row.quality],
        "finetune_type": "lora",
        "lora_rank": plain.rank,
    }
    if facts.can("recipe"):
        fields["fluxtune"] = {
            "key": row.id,
            "name": row.name[:110],
            "base": row.base,
            "quality": row.quality,
            "recipe": row.recipe,
        }
    return fields


def pack_dataset(blobs: Blobs, row: FinetuneRow, folder: Path, facts: Discovered) -> Path:
    """Write the frozen dataset as a ZIP of images and captions named like them; raise TooLarge, or OSError.

    Images are not packed any smaller: they are already. Captions for servers that are no fluxtune have their trigger
    word filled in.
    """
    archive = folder / "dataset.zip"
    write_snapshot(blobs, Manifest.model_validate(row.snapshot), folder / "snapshot")
    snapshot = Snapshot.model_validate_json((folder / "snapshot" / "snapshot.json").read_bytes())
    draft = archive.with_name("dataset.zip.part")
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED) as out:
        for image in snapshot.images:
            out.write(folder / "snapshot" / image.file, image.file)
            caption = image.caption if facts.is_fluxtune else fill_trigger(image.caption, row.trigger_word)
            if caption:
                out.writestr(f"{Path(image.file).stem}.txt", caption)
    draft.replace(archive)
    most = facts.max_body_bytes or USUAL_MOST_BYTES
    size = 4 * -(-archive.stat().st_size // 3) + 64 * 1024
    if size > most:
        raise TooLarge(
            f"The dataset takes {size / 1e6:,.0f} MB to send; {row.server_name} takes {most / 1e6:,.0f} MB.",
            action="Raise FLUXTUNE_CONTRACT__MAX_BODY_BYTES on the server, or use fewer or smaller images.",
        )
    return archive
