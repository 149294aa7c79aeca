"""Large uploads as the API shows them."""

from typing import Annotated

from pydantic import BaseModel, Field

from fluxtune.core.errors import Problem
from fluxtune.datasets.schemas import UploadReport


class KnownFilesRequest(BaseModel):
    """Contents that are about to be sent, by SHA-256 in hex."""

    hashes: list[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]] = Field(max_length=1_000)


class KnownFiles(BaseModel):
    """Contents the dataset has, which need not be sent; `next_position` is the place behind its last image."""

    hashes: list[str]
    next_position: int


class ArrivalProgress(BaseModel):
    """How far a ZIP is read. `report` tells of the files since the one before; `problem` ends it early."""

    done: int
    total: int
    report: UploadReport | None
    problem: Problem | None
