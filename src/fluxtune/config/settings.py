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
from fluxtune.config.keeping import BackupSettings, OptionalFolder, RetentionSettings, TrashSettings
from fluxtune.config.marks import EXPERT, EXPERT_RESTART, FIXED, RESTART
from fluxtune.config.origins import Origins
from fluxtune.config.outside import CaptionSettings, ContractSettings, HostedSettings, WebhookSettings
from fluxtune.config.paths import Paths
from fluxtune.config.secrets import SecretBox
from fluxtune.config.watching import AlertSettings, MetricsSettings, TelemetrySettings

SETTINGS_FILE = "fluxtune.toml"
DEFAULT_PORT = 7860


class ServerSettings(BaseModel):
    """The web server."""

    host: str = Field(
        "127.0.0.1",
        title="Address to listen on",
        description="Address to listen on; on others than loopback addresses people must sign in.",
        json_schema_extra=FIXED,
    )
    port: int = Field(
        DEFAULT_PORT,
        ge=0,
        le=65535,
        title="Port",
        description="Port to listen on; 0 takes a free one.",
        json_schema_extra=FIXED,
    )
    allowed_hosts: list[str] = Field(
        [], title="Further host names", description="Further host names the studio may be reached by."
    )
    trusted_proxies: list[str] = Field(
        ["127.0.0.1"],
        title="Proxies that are believed",
        description="Addresses of proxies in front of the studio; only these are believed who asks, and by https or "
        "not.",
        json_schema_extra=RESTART,
    )
    allowed_origins: list[str] = Field(
        [],
        title="Further origins",
        description="Further origins that may send changes, for UI development.",
        json_schema_extra=EXPERT,
    )
    max_body_bytes: int = Field(
        2 * 1024**3,
        gt=0,
        title="Largest request",
        description="Largest request accepted, uploads included.",
        json_schema_extra=RESTART,
    )
    session_days: int = Field(30, ge=1, title="Stay signed in for", description="How long a browser stays signed in.")
    stream_seconds: float = Field(
        600,
        gt=0,
        title="Life of an event stream",
        description="Life of one event stream; the browser then reconnects.",
        json_schema_extra=EXPERT,
    )
    event_poll_seconds: float = Field(
        0.05,
        gt=0,
        title="Look for events every",
        description="How often new events are looked for.",
        json_schema_extra=EXPERT_RESTART,
    )


class AccountsSettings(BaseModel):
    """People who sign in. Needed where other computers reach the studio."""

    required: bool = Field(
        False,
        title="Sign-in needed on this computer, too",
        description="People must sign in even where only this computer reaches the studio, as behind a proxy.",
        json_schema_extra=RESTART,
    )
    invitation_days: int = Field(
        7, ge=1, le=90, title="Invitations hold for", description="How long a link that sets a password can be used."
    )
    sign_in_tries: int = Field(
        10,
        ge=1,
        title="Failed sign-ins allowed",
        description="So many failed sign-ins of an account from one address are looked at within `sign_in_minutes`.",
        json_schema_extra=RESTART,
    )
    sign_in_minutes: int = Field(
        15,
        ge=1,
        title="Failed sign-ins count for",
        description="The time in which failed sign-ins are counted.",
        json_schema_extra=RESTART,
    )

    @property
    def invitation_life(self) -> timedelta:
        """How long a link that sets a password can be used."""
        return timedelta(days=self.invitation_days)


class WorkerSettings(BaseModel):
    """The process that runs jobs."""

    heartbeat_seconds: float = Field(
        3.0,
        gt=0,
        title="Sign of life every",
        description="How often the worker says that it lives.",
        json_schema_extra=EXPERT,
    )
    poll_seconds: float = Field(
        0.05,
        gt=0,
        title="Look for jobs every",
        description="How often new jobs are looked for.",
        json_schema_extra=EXPERT,
    )
    idle_exit_seconds: float = Field(
        60.0,
        ge=0,
        title="End without work after",
        description="A worker without a server and without work ends after this; 0 means never.",
        json_schema_extra=EXPERT,
    )
    quiet_seconds: float = Field(
        45.0,
        ge=0,
        title="Health checks wait for quiet",
        description="After other work, health checks wait so long for what the user does next.",
        json_schema_extra=EXPERT,
    )
    shutdown_seconds: float = Field(
        60.0,
        gt=0,
        title="Time to save at the end",
        description="Time a run gets to save itself when the worker is stopped.",
        json_schema_extra=EXPERT,
    )


class EngineSettings(BaseModel):
    """The child processes that train and generate."""

    bases: dict[str, Path] = Field(
        {}, title="Further bases", description="Further bases: name = folder in the diffusers layout."
    )
    max_tries: int = Field(
        3,
        ge=1,
        title="Tries of a run that crashed",
        description="How often a crashed run is started again from its last checkpoint.",
    )
    silent_after_seconds: float = Field(
        300.0,
        gt=0,
        title="Silence that counts as a crash",
        description="A run that says nothing for so long is started again.",
        json_schema_extra=EXPERT,
    )
    cancel_grace_seconds: float = Field(
        30.0,
        gt=0,
        title="Time to obey a cancel",
        description="Time a run gets to obey a cancel before it is ended.",
        json_schema_extra=EXPERT,
    )
    pause_seconds: float = Field(
        900.0,
        ge=0,
        title="Keep a paused run’s model loaded",
        description="A paused run keeps its model loaded for so long, unless the device is needed.",
    )
    probe_seconds: float = Field(
        1_800.0,
        gt=0,
        title="Time for a probe",
        description="Time a probe gets to measure a few steps.",
        json_schema_extra=EXPERT,
    )
    generator_idle_seconds: float = Field(
        300.0, gt=0, title="Let the generator go after", description="The generator is let go after so much idling."
    )
    health_after_runs: bool = Field(
        True,
        title="Measure each finetune at its end",
        description="Measure every finetune that ended well, when nothing waits.",
    )
    embeddings: OptionalFolder = Field(
        None,
        title="Model that compares images",
        description="Folder of a CLIP, DINOv2 or SigLIP model (transformers layout) to compare images by; empty: one "
        "of the Hugging Face cache, else the base itself.",
    )
    min_free_disk_bytes: int = Field(
        256 * 1024**2,
        ge=0,
        title="Free disk space a run needs",
        description="A run does not start with less room than this.",
    )
    poll_seconds: float = Field(
        0.1,
        gt=0,
        title="Read a run’s events every",
        description="How often a run's events are read.",
        json_schema_extra=EXPERT,
    )


class LogSettings(BaseModel):
    """Logs."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info",
        title="Least severe line",
        description="Least severe line written.",
        json_schema_extra={
            "labels": {
                "debug": "Everything (debug)",
                "info": "What happens (info)",
                "warning": "Warnings",
                "error": "Errors only",
            }
        },
    )
    format: Literal["console", "json"] = Field(
        "console",
        title="Look on the console",
        description="How lines on the console look.",
        json_schema_extra={**EXPERT_RESTART, "labels": {"console": "Text", "json": "JSON"}},
    )
    max_bytes: int = Field(
        5_000_000,
        gt=0,
        title="Size of a log file",
        description="The log file is rotated at this size.",
        json_schema_extra=EXPERT_RESTART,
    )
    keep: int = Field(
        3, ge=0, title="Older log files kept", description="Rotated log files kept.", json_schema_extra=EXPERT_RESTART
    )


def default_data_folder() -> Path:
    """Return where a studio lives when nobody says otherwise."""
    return Path(platformdirs.user_data_path("fluxtune", appauthor=False))


class Settings(BaseSettings):
    """All settings of one studio. Build with `load_settings`; pass down."""

    model_config = SettingsConfigDict(
        env_prefix="FLUXTUNE_", env_nested_delimiter="__", extra="ignore", validate_default=True
    )

    data: Path = Field(default_factory=default_data_folder, title="Data folder", description="The data folder.")
    database_url: str | None = Field(
        None, title="Database", description="SQLAlchemy URL; empty means SQLite in the data folder."
    )
    jobs_database_url: str | None = Field(
        None, title="Database of the job queue", description="Same for the job queue's own tables."
    )
    storage_url: str | None = Field(
        None, title="Store of images and files", description="Object store for images; empty means the data folder."
    )
    secret_key: SecretStr | None = Field(
        None,
        title="Key that encrypts secrets",
        description="Encrypts secrets in the database (a Fernet key); empty means a key file in the data folder.",
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
        """Where backups go; a path that is not whole begins at the data folder, wherever a program was started."""
        return self.data / (self.backups.folder or self.paths.backups)

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
