"""Measures over time, and alerts."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0018"
down_revision: str | None = "0017"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def _values() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("count", WHOLE, nullable=False),
        sa.Column("total", sa.Float(), nullable=False),
        sa.Column("most", sa.Float(), nullable=False),
        sa.Column("last", sa.Float(), nullable=False),
        sa.Column("buckets", sa.JSON(), nullable=False),
    )


def upgrade() -> None:
    op.create_table(
        "metric_point",
        sa.Column("grain", WHOLE, autoincrement=False, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("label", sa.String(length=64), nullable=False),
        *_values(),
        sa.PrimaryKeyConstraint("grain", "at", "name", "label", name=op.f("pk_metric_point")),
    )
    op.create_table(
        "metric_total",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("label", sa.String(length=64), nullable=False),
        *_values(),
        sa.PrimaryKeyConstraint("name", "label", name=op.f("pk_metric_total")),
    )
    op.create_table(
        "metric_cursor",
        sa.Column("id", WHOLE, autoincrement=False, nullable=False),
        sa.Column("event_id", WHOLE, nullable=False),
        sa.Column("sized_at", TIME, nullable=True),
        sa.Column("pruned_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_metric_cursor")),
    )
    op.create_table(
        "alert",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("target", sa.String(length=64), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("count", WHOLE, nullable=False),
        sa.Column("raised_at", TIME, nullable=False),
        sa.Column("last_at", TIME, nullable=False),
        sa.Column("cleared_at", TIME, nullable=True),
        sa.Column("cleared_by", sa.String(length=120), nullable=True),
        sa.Column("mail_state", sa.String(length=16), nullable=False),
        sa.Column("mail_attempts", WHOLE, nullable=False),
        sa.Column("mail_next_at", TIME, nullable=True),
        sa.Column("mail_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
    )
    op.create_index("ix_alert_open", "alert", ["kind", "target", "cleared_at"], unique=False)
    op.create_index(op.f("ix_alert_mail_state"), "alert", ["mail_state"], unique=False)
    op.create_table(
        "alert_cursor",
        sa.Column("id", WHOLE, autoincrement=False, nullable=False),
        sa.Column("event_id", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_cursor")),
    )


def downgrade() -> None:
    for name in ("alert_cursor", "alert", "metric_cursor", "metric_total", "metric_point"):
        op.drop_table(name)
