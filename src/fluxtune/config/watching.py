"""Settings of what watches the studio: measures, alerts, telemetry."""

from typing import Literal

from pydantic import BaseModel, Field, SecretStr


class MetricsSettings(BaseModel):
    """What the studio measures about itself."""

    every_seconds: float = Field(
        30.0, ge=1, le=3_600, title="Measure every", description="Measures are written down this often."
    )


class AlertSettings(BaseModel):
    """Who is told, and of what, when something needs somebody."""

    webhook_url: str = Field(
        "",
        title="Webhook",
        description="Address that is sent a signed message for every alert; empty: none is sent.",
        pattern=r"^(https?://[^\s]+)?$",
    )
    webhook_secret: SecretStr | None = Field(
        None,
        title="Secret that signs the webhook",
        description="Signs those messages, so that their receiver knows that they are this studio's.",
    )
    mail_to: list[str] = Field([], title="Mail to", description="Mail addresses that get a message for every alert.")
    mail_from: str = Field(
        "", title="Mail from", description="Sender of those messages; empty: the first of the addresses above."
    )
    smtp_host: str = Field(
        "", title="Mail server", description="Mail server that takes those messages; empty: no mail is sent."
    )
    smtp_port: int = Field(587, ge=1, le=65535, title="Port of the mail server", description="Its port.")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls",
        title="Encryption of mail",
        description="How the way to it is encrypted: after a greeting, from the start, or not at all.",
        json_schema_extra={
            "labels": {"starttls": "After a greeting (STARTTLS)", "tls": "From the start (TLS)", "none": "Not at all"}
        },
    )
    smtp_user: str = Field(
        "", title="Name at the mail server", description="Name to sign in with there; empty: nobody signs in."
    )
    smtp_password: SecretStr | None = Field(
        None, title="Password at the mail server", description="Password to sign in with there."
    )
    failed_jobs: bool = Field(True, title="When a job fails", description="Raise an alert when a job fails.")
    backups: bool = Field(
        True,
        title="When backups fail",
        description="Raise an alert when a scheduled backup failed, or the last good one is too old.",
    )
    budget_percent: float = Field(
        80.0,
        ge=0,
        le=100,
        title="When a budget is nearly spent",
        description="Raise an alert when so much of a budget is spent; 0 means never.",
    )
    disk_free_bytes: int = Field(
        2 * 1024**3,
        ge=0,
        title="When the disk is nearly full",
        description="Raise an alert when the disk has less room than this; 0 means never.",
    )
    backend_minutes: float = Field(
        5.0,
        ge=0,
        title="When something does not answer",
        description="Raise an alert when jobs wait and no worker lives for so long, or a server of yours does not "
        "answer for so long; 0 means never.",
    )


class TelemetrySettings(BaseModel):
    """Traces and measures sent to an OpenTelemetry collector."""

    endpoint: str = Field(
        "",
        title="Collector",
        description="Address of a collector that speaks OTLP over HTTP, as `http://localhost:4318`; empty: nothing is "
        "sent. Needs `pip install 'fluxtune[telemetry]'`.",
        pattern=r"^(https?://[^\s]+)?$",
        json_schema_extra={"restart": True},
    )
    headers: dict[str, SecretStr] = Field(
        {},
        title="Headers",
        description="Headers sent along, as a key of the collector.",
        json_schema_extra={"restart": True},
    )
    traced: float = Field(
        1.0,
        ge=0,
        le=1,
        title="Share of requests traced",
        description="Share of requests that is traced.",
        json_schema_extra={"restart": True},
    )
