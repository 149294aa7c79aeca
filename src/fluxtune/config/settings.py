"""Every setting, typed, from the environment and one TOML file."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import platformdirs
from pydantic import BaseModel, Field, PrivateAttr, SecretStr
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from fluxtune.config.defaults import DefaultsSettings
from fluxtune.config.origins import Origins
from fluxtune.config.paths import Paths
from fluxtune.config.secrets import SecretBox
from fluxtune.config.watching import AlertSettings, MetricsSettings, TelemetrySettings

SETTINGS_FILE = "fluxtune.toml"
DEFAULT_PORT = 7860

# What a setting says of itself, for the page of settings: needed before the database is open; read only at the start;
# of use to few.
FIXED: dict[str, Any] = {"fixed": True}
RESTART: dict[str, Any] = {"restart": True}
EXPERT: dict[str, Any] = {"level": "expert"}
EXPERT_RESTART: dict[str, Any] = {**EXPERT, **RESTART}


class ServerSettings(BaseModel):
    """The web server."""

    host: str = Field(
        "127.0.0.1",
        description="Address to listen on; on others than loopback addresses people must sign in.",
        json_schema_extra=FIXED,
    )
    port: int = Field(
        DEFAULT_PORT, ge=0, le=65535, description="Port to listen on; 0 takes a free one.", json_schema_extra=FIXED
    )
    allowed_hosts: list[str] = Field([], description="Further host names the studio may be reached by.")
    trusted_proxies: list[str] = Field(
        ["127.0.0.1"],
        description="Addresses of proxies in front of the studio; only these are believed who asks, and by https or "
        "not.",
        json_schema_extra=RESTART,
    )
    allowed_origins: list[str] = Field(
        [], description="Further origins that may send changes, for UI development.", json_schema_extra=EXPERT
    )
    max_body_bytes: int = Field(
        2 * 1024**3, gt=0, description="Largest request accepted, uploads included.", json_schema_extra=RESTART
    )
    session_days: int = Field(30, ge=1, description="How long a browser stays signed in.")
    stream_seconds: float = Field(
        600, gt=0, description="Life of one event stream; the browser then reconnects.", json_schema_extra=EXPERT
    )
    event_poll_seconds: float = Field(
        0.05, gt=0, description="How often new events are looked for.", json_schema_extra=EXPERT_RESTART
    )


class AccountsSettings(BaseModel):
    """People who sign in. Needed where other computers reach the studio."""

    required: bool = Field(
        False,
        description="People must sign in even where only this computer reaches the studio, as behind a proxy.",
        json_schema_extra=RESTART,
    )
    invitation_days: int = Field(7, ge=1, le=90, description="How long a link that sets a password can be used.")
    sign_in_tries: int = Field(
        10,
        ge=1,
        description="So many failed sign-ins of an account from one address are looked at within `sign_in_minutes`.",
        json_schema_extra=RESTART,
    )
    sign_in_minutes: int = Field(
        15, ge=1, description="The time in which failed sign-ins are counted.", json_schema_extra=RESTART
    )

    @property
    def invitation_life(self) -> timedelta:
        """How long a link that sets a password can be used."""
        return timedelta(days=self.invitation_days)


class WorkerSettings(BaseModel):
    """The process that runs jobs."""

    heartbeat_seconds: float = Field(
        3.0, gt=0, description="How often the worker says that it lives.", json_schema_extra=EXPERT
    )
    poll_seconds: float = Field(0.05, gt=0, description="How often new jobs are looked for.", json_schema_extra=EXPERT)
    idle_exit_seconds: float = Field(
        60.0,
        ge=0,
        description="A worker without a server and without work ends after this; 0 means never.",
        json_schema_extra=EXPERT,
    )
    quiet_seconds: float = Field(
        45.0,
        ge=0,
        description="After other work, health checks wait so long for what the user does next.",
        json_schema_extra=EXPERT,
    )
    shutdown_seconds: float = Field(
        60.0, gt=0, description="Time a run gets to save itself when the worker is stopped.", json_schema_extra=EXPERT
    )


class EngineSettings(BaseModel):
    """The child processes that train and generate."""

    bases: dict[str, Path] = Field({}, description="Further bases: name = folder in the diffusers layout.")
    max_tries: int = Field(3, ge=1, description="How often a crashed run is started again from its last checkpoint.")
    silent_after_seconds: float = Field(
        300.0, gt=0, description="A run that says nothing for so long is started again.", json_schema_extra=EXPERT
    )
    cancel_grace_seconds: float = Field(
        30.0, gt=0, description="Time a run gets to obey a cancel before it is ended.", json_schema_extra=EXPERT
    )
    pause_seconds: float = Field(
        900.0, ge=0, description="A paused run keeps its model loaded for so long, unless the device is needed."
    )
    probe_seconds: float = Field(
        1_800.0, gt=0, description="Time a probe gets to measure a few steps.", json_schema_extra=EXPERT
    )
    generator_idle_seconds: float = Field(300.0, gt=0, description="The generator is let go after so much idling.")
    health_after_runs: bool = Field(True, description="Measure every finetune that ended well, when nothing waits.")
    embeddings: Path | None = Field(
        None,
        description="Folder of a CLIP, DINOv2 or SigLIP model (transformers layout) to compare images by; empty: one "
        "of the Hugging Face cache, else the base itself.",
    )
    min_free_disk_bytes: int = Field(256 * 1024**2, ge=0, description="A run does not start with less room than this.")
    poll_seconds: float = Field(0.1, gt=0, description="How often a run's events are read.", json_schema_extra=EXPERT)


class WebhookSettings(BaseModel):
    """Messages to other programs when a run has ended."""

    allow_private: bool = Field(
        False,
        description="Also send to this computer and its own network (loopback, link-local and private addresses).",
    )
    timeout_seconds: float = Field(10.0, gt=0, description="How long an answer may take.", json_schema_extra=EXPERT)
    retry_seconds: float = Field(
        5.0, gt=0, description="Wait after the first failed attempt; doubled after each.", json_schema_extra=EXPERT
    )
    retry_at_most_seconds: float = Field(
        3_600.0, gt=0, description="Longest wait between two attempts.", json_schema_extra=EXPERT
    )
    give_up_hours: float = Field(
        24.0, gt=0, description="A message that could not be delivered for so long is given up."
    )


class TrashSettings(BaseModel):
    """Things that were deleted and can be restored."""

    keep_days: int = Field(
        30, ge=0, le=36_500, description="What was deleted is removed for good after so many days; 0 means never."
    )


class BackupSettings(BaseModel):
    """Copies of the whole studio."""

    folder: Path | None = Field(
        None, description="Where backups go; empty: `backups` in the data folder, of no help when its disk is lost."
    )
    every_hours: float = Field(0.0, ge=0, le=8_760, description="A backup is made this often; 0 means never.")
    keep: int = Field(7, ge=1, le=1_000, description="So many of the newest backups are kept.")
    with_key: bool = Field(
        True,
        description="Copy the key that encrypts stored secrets, too; without it they have to be given anew after a "
        "restore.",
    )
    with_bases: bool = Field(False, description="Scheduled backups copy the bases, which can be downloaded again, too.")


class RetentionSettings(BaseModel):
    """What is removed by itself, besides the trash."""

    checkpoint_days: int = Field(
        0,
        ge=0,
        le=36_500,
        description="So many days after a finetune has ended only its last checkpoint stays; 0 means all stay.",
    )
    sample_days: int = Field(
        0,
        ge=0,
        le=36_500,
        description="So many days after a finetune has ended the samples before its last ones go; 0 means all stay.",
    )
    probe_days: int = Field(
        90, ge=0, le=36_500, description="What probes measured is forgotten after so many days; 0 means never."
    )


class ContractSettings(BaseModel):
    """BFL's API under /v1."""

    base: str | None = Field(
        None, description="Base of finetunes, and of endpoints whose own base is not here; empty: the usual one."
    )
    public_url: str | None = Field(
        None, description="Address programs reach the studio by, for links in answers; empty: the one they used."
    )
    max_body_bytes: int = Field(
        256 * 1024**2, gt=0, description="Largest POST /v1/finetune, images in base64.", json_schema_extra=RESTART
    )
    max_active: int = Field(24, ge=1, description="Tasks that may wait or run at once; one more is answered with 429.")
    link_seconds: int = Field(600, ge=1, description="How long a link to a result works.")


class HostedSettings(BaseModel):
    """Images made at BFL, or at another server that speaks its API."""

    key: SecretStr | None = Field(
        None, description="A key of BFL's API, used where none is stored; BFL_API_KEY is read as well."
    )
    server: str = Field(
        "",
        description="Address of another server that speaks BFL's API; keys of the region `server` are for it.",
        pattern=r"^(https?://[^\s/?#@]+(:[0-9]+)?)?$",
    )
    region: Literal["global", "eu", "us", "server"] = Field("global", description="Where the key above belongs.")
    public_url: str = Field(
        "",
        description="Address BFL can reach this studio by, for its webhooks; empty: images are asked for.",
        pattern=r"^(https?://[^\s?#@]+)?$",
    )
    timeout_seconds: float = Field(30.0, gt=0, description="How long an answer may take.", json_schema_extra=EXPERT)
    deadline_seconds: float = Field(
        900.0,
        gt=0,
        description="An image that is not there by then is listed as paid and not delivered.",
        json_schema_extra=EXPERT,
    )
    patience_seconds: float = Field(
        120.0,
        ge=0,
        description="How long to go on trying when BFL can't be reached and nothing was sent.",
        json_schema_extra=EXPERT,
    )


class CaptionSettings(BaseModel):
    """Captions written by models."""

    local_endpoints: list[str] = Field(
        ["http://localhost:11434", "http://localhost:1234"],
        description="Servers on this computer or its own network that may be asked for captions (scheme, host and "
        "port): those of Ollama and LM Studio unless others are named. Servers on the internet need no entry.",
    )
    model: str = Field(
        "", description="A Florence-2 or Qwen-VL model that is offered for captions: a folder, or a downloaded name."
    )
    timeout_seconds: float = Field(
        120.0, gt=0, description="How long a server may take for one caption.", json_schema_extra=EXPERT
    )
    tries: int = Field(
        5,
        ge=1,
        description="How often a server that is busy or out of order is asked for one caption.",
        json_schema_extra=EXPERT,
    )
    retry_seconds: float = Field(
        2.0, ge=0, description="Wait after the first failed try; doubled after each.", json_schema_extra=EXPERT
    )


class LogSettings(BaseModel):
    """Logs."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severe line written.")
    format: Literal["console", "json"] = Field(
        "console", description="How lines on the console look.", json_schema_extra=EXPERT_RESTART
    )
    max_bytes: int = Field(
        5_000_000, gt=0, description="The log file is rotated at this size.", json_schema_extra=EXPERT_RESTART
    )
    keep: int = Field(3, ge=0, description="Rotated log files kept.", json_schema_extra=EXPERT_RESTART)


def default_data_folder() -> Path:
    """Return where a studio lives when nobody says otherwise."""
    return Path(platformdirs.user_data_path("fluxtune", appauthor=False))


class Settings(BaseSettings):
    """All settings of one studio. Build with `load_settings`; pass down."""

    model_config = SettingsConfigDict(
        env_prefix="FLUXTUNE_", env_nested_delimiter="__", extra="ignore", validate_default=True
    )

    data: Path = Field(default_factory=default_data_folder, description="The data folder.")
    database_url: str | None = Field(None, description="SQLAlchemy URL; empty means SQLite in the data folder.")
    jobs_database_url: str | None = Field(None, description="Same for the job queue's own tables.")
    storage_url: str | None = Field(None, description="Object store for images; empty means the data folder.")
    secret_key: SecretStr | None = Field(
        None, description="Encrypts secrets in the database (a Fernet key); empty means a key file in the data folder."
    )
    server: ServerSettings = Field(title="Web server", default_factory=lambda: ServerSettings())
    accounts: AccountsSettings = Field(title="People", default_factory=lambda: AccountsSettings())
    worker: WorkerSettings = Field(title="Worker", default_factory=lambda: WorkerSettings())
    engine: EngineSettings = Field(title="Training and drawing here", default_factory=lambda: EngineSettings())
    webhooks: WebhookSettings = Field(title="Webhooks", default_factory=lambda: WebhookSettings())
    trash: TrashSettings = Field(title="Trash", default_factory=lambda: TrashSettings())
    backups: BackupSettings = Field(title="Backups", default_factory=lambda: BackupSettings())
    retention: RetentionSettings = Field(title="Retention", default_factory=lambda: RetentionSettings())
    defaults: DefaultsSettings = Field(title="Defaults", default_factory=lambda: DefaultsSettings())
    contract: ContractSettings = Field(title="BFL’s API here", default_factory=lambda: ContractSettings())
    hosted: HostedSettings = Field(title="Hosted images", default_factory=lambda: HostedSettings())
    captions: CaptionSettings = Field(title="Captions", default_factory=lambda: CaptionSettings())
    log: LogSettings = Field(title="Logs", default_factory=lambda: LogSettings())
    metrics: MetricsSettings = Field(title="Measures", default_factory=lambda: MetricsSettings())
    alerts: AlertSettings = Field(title="Alerts", default_factory=lambda: AlertSettings())
    telemetry: TelemetrySettings = Field(title="Telemetry", default_factory=lambda: TelemetrySettings())

    _origins: Origins = PrivateAttr(default_factory=Origins)

    @property
    def origins(self) -> Origins:
        """Where each value comes from."""
        return self._origins

    @property
    def paths(self) -> Paths:
        """The layout of the data folder."""
        return Paths(self.data)

    @property
    def secrets(self) -> SecretBox:
        """What encrypts secrets before they are stored."""
        return SecretBox(self.paths.secret_key, self.secret_key)

    @property
    def backup_folder(self) -> Path:
        """Where backups go."""
        return self.backups.folder or self.paths.backups

    @property
    def is_local(self) -> bool:
        """True when the database is a file in the data folder, so that one computer holds everything."""
        return self.database_url is None or self.database_url.startswith("sqlite")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order: arguments, environment, file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load_settings(data: Path | None = None, **values: Any) -> Settings:
    """Read the settings of a data folder: arguments win over the environment, that over `fluxtune.toml` in it.

    `FLUXTUNE_CONFIG` names another file.
    """
    folder = Path(data or os.environ.get("FLUXTUNE_DATA") or default_data_folder()).expanduser().absolute()
    file = Path(os.environ.get("FLUXTUNE_CONFIG") or folder / SETTINGS_FILE)

    class FileSettings(Settings):
        model_config = SettingsConfigDict(toml_file=file)

    loaded = FileSettings(**{**values, "data": folder})
    settings = Settings.model_construct(**{name: getattr(loaded, name) for name in Settings.model_fields})
    settings.origins.file = file
    settings.origins.note("argument", {**values, **({"data": folder} if data else {})}, Settings)
    settings.origins.note("environment", EnvSettingsSource(FileSettings)(), Settings)
    settings.origins.note("file", TomlConfigSettingsSource(FileSettings)(), Settings)
    return settings
