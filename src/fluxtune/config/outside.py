"""Settings of what talks to other programs: webhooks, BFL's API here and there, captioning servers."""

from typing import Literal

from pydantic import BaseModel, Field, SecretStr

from fluxtune.config.marks import EXPERT, RESTART


class WebhookSettings(BaseModel):
    """Messages to other programs when a run has ended."""

    allow_private: bool = Field(
        False,
        title="Send within this network, too",
        description="Also send to this computer and its own network (loopback, link-local and private addresses).",
    )
    timeout_seconds: float = Field(
        10.0, gt=0, title="Wait for an answer", description="How long an answer may take.", json_schema_extra=EXPERT
    )
    retry_seconds: float = Field(
        5.0,
        gt=0,
        title="First wait before another try",
        description="Wait after the first failed attempt; doubled after each.",
        json_schema_extra=EXPERT,
    )
    retry_at_most_seconds: float = Field(
        3_600.0,
        gt=0,
        title="Longest wait before another try",
        description="Longest wait between two attempts.",
        json_schema_extra=EXPERT,
    )
    give_up_hours: float = Field(
        24.0, gt=0, title="Give up after", description="A message that could not be delivered for so long is given up."
    )


class ContractSettings(BaseModel):
    """BFL's API under /v1."""

    base: str | None = Field(
        None,
        title="Base of finetunes",
        description="Base of finetunes, and of endpoints whose own base is not here; empty: the usual one.",
        json_schema_extra={"picks": "bases"},
    )
    public_url: str | None = Field(
        None,
        title="Public address",
        description="Address programs reach the studio by, for links in answers; empty: the one they used.",
    )
    max_body_bytes: int = Field(
        256 * 1024**2,
        gt=0,
        title="Largest finetune request",
        description="Largest POST /v1/finetune, images in base64.",
        json_schema_extra=RESTART,
    )
    max_active: int = Field(
        24,
        ge=1,
        title="Tasks at once",
        description="Tasks that may wait or run at once; one more is answered with 429.",
    )
    link_seconds: int = Field(
        600, ge=1, title="Links to results hold for", description="How long a link to a result works."
    )


class HostedSettings(BaseModel):
    """Images made at BFL, or at another server that speaks its API."""

    key: SecretStr | None = Field(
        None,
        title="Key of BFL’s API",
        description="A key of BFL's API, used where none is stored; BFL_API_KEY is read as well.",
    )
    server: str = Field(
        "",
        title="Other server",
        description="Address of another server that speaks BFL's API; keys of the region `server` are for it.",
        pattern=r"^(https?://[^\s/?#@]+(:[0-9]+)?)?$",
    )
    region: Literal["global", "eu", "us", "server"] = Field(
        "global",
        title="Region of the key",
        description="Where the key above belongs.",
        json_schema_extra={
            "labels": {"global": "Global", "eu": "Europe", "us": "United States", "server": "The other server"}
        },
    )
    public_url: str = Field(
        "",
        title="Public address for webhooks",
        description="Address BFL can reach this studio by, for its webhooks; empty: images are asked for.",
        pattern=r"^(https?://[^\s?#@]+)?$",
    )
    timeout_seconds: float = Field(
        30.0, gt=0, title="Wait for an answer", description="How long an answer may take.", json_schema_extra=EXPERT
    )
    deadline_seconds: float = Field(
        900.0,
        gt=0,
        title="Wait for an image",
        description="An image that is not there by then is listed as paid and not delivered.",
        json_schema_extra=EXPERT,
    )
    patience_seconds: float = Field(
        120.0,
        ge=0,
        title="Go on trying for",
        description="How long to go on trying when BFL can't be reached and nothing was sent.",
        json_schema_extra=EXPERT,
    )


class CaptionSettings(BaseModel):
    """Captions written by models."""

    local_endpoints: list[str] = Field(
        ["http://localhost:11434", "http://localhost:1234"],
        title="Servers nearby",
        description="Servers on this computer or its own network that may be asked for captions (scheme, host and "
        "port): those of Ollama and LM Studio unless others are named. Servers on the internet need no entry.",
    )
    model: str = Field(
        "",
        title="Model for captions",
        description="A Florence-2 or Qwen-VL model that is offered for captions: a folder, or a downloaded name.",
    )
    timeout_seconds: float = Field(
        120.0,
        gt=0,
        title="Time for one caption",
        description="How long a server may take for one caption.",
        json_schema_extra=EXPERT,
    )
    tries: int = Field(
        5,
        ge=1,
        title="Tries for one caption",
        description="How often a server that is busy or out of order is asked for one caption.",
        json_schema_extra=EXPERT,
    )
    retry_seconds: float = Field(
        2.0,
        ge=0,
        title="First wait before another try",
        description="Wait after the first failed try; doubled after each.",
        json_schema_extra=EXPERT,
    )
