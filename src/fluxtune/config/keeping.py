"""Settings of what is kept, copied and removed."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field

OptionalFolder = Annotated[Path | None, BeforeValidator(lambda value: None if str(value) in ("", ".") else value)]
"""A folder, or none: a field that was emptied names no folder, and certainly not the one a program was started in."""


class TrashSettings(BaseModel):
    """Things that were deleted and can be restored."""

    keep_days: int = Field(
        30,
        ge=0,
        le=36_500,
        title="Keep deleted things for",
        description="What was deleted is removed for good after so many days; 0 means never.",
    )


class BackupSettings(BaseModel):
    """Copies of the whole studio."""

    folder: OptionalFolder = Field(
        None,
        title="Folder of backups",
        description="Where backups go, as a whole path; empty: `backups` in the data folder, of no help when its disk "
        "is lost.",
    )
    every_hours: float = Field(
        0.0, ge=0, le=8_760, title="A backup every", description="A backup is made this often; 0 means never."
    )
    keep: int = Field(7, ge=1, le=1_000, title="Backups kept", description="So many of the newest backups are kept.")
    with_key: bool = Field(
        True,
        title="With the key of secrets",
        description="Copy the key that encrypts stored secrets, too; without it they have to be given anew after a "
        "restore.",
    )
    with_bases: bool = Field(
        False, title="With bases", description="Scheduled backups copy the bases, which can be downloaded again, too."
    )


class RetentionSettings(BaseModel):
    """What is removed by itself, besides the trash."""

    checkpoint_days: int = Field(
        0,
        ge=0,
        le=36_500,
        title="Keep earlier checkpoints for",
        description="So many days after a finetune has ended only its last checkpoint stays; 0 means all stay.",
    )
    sample_days: int = Field(
        0,
        ge=0,
        le=36_500,
        title="Keep earlier samples for",
        description="So many days after a finetune has ended the samples before its last ones go; 0 means all stay.",
    )
    probe_days: int = Field(
        90,
        ge=0,
        le=36_500,
        title="Keep what probes measured for",
        description="What probes measured is forgotten after so many days; 0 means never.",
    )
