"""Paid images: keys, budgets, the ledger, and what a hosted generation asks for."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "hosted_key",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("region", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hosted_key")),
        sa.UniqueConstraint("name", name=op.f("uq_hosted_key_name")),
    )
    op.create_table(
        "hosted_budget",
        sa.Column("id", WHOLE, autoincrement=False, nullable=False),
        sa.Column("per_request", WHOLE, nullable=True),
        sa.Column("per_day", WHOLE, nullable=True),
        sa.Column("per_month", WHOLE, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hosted_budget")),
    )
    op.create_table(
        "hosted_ledger",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("target_id", sa.String(length=32), nullable=False),
        sa.Column("slot", WHOLE, nullable=False),
        sa.Column("attempt", WHOLE, nullable=False),
        sa.Column("key_name", sa.String(length=60), nullable=False),
        sa.Column("endpoint", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("estimate", WHOLE, nullable=False),
        sa.Column("cost", WHOLE, nullable=True),
        sa.Column("is_settled", sa.Boolean(), nullable=False),
        sa.Column("input_mp", sa.Float(), nullable=True),
        sa.Column("output_mp", sa.Float(), nullable=True),
        sa.Column("task_id", sa.String(length=200), nullable=True),
        sa.Column("polling_url", sa.Text(), nullable=True),
        sa.Column("image_id", sa.String(length=32), nullable=True),
        sa.Column("error", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hosted_ledger")),
        sa.UniqueConstraint("target_id", "slot", "attempt", name=op.f("uq_hosted_ledger_target_id_slot_attempt")),
    )
    with op.batch_alter_table("hosted_ledger") as batch_op:
        batch_op.create_index(batch_op.f("ix_hosted_ledger_state"), ["state"], unique=False)
        batch_op.create_index(batch_op.f("ix_hosted_ledger_created_at"), ["created_at"], unique=False)
        batch_op.create_index("ix_hosted_ledger_newest", ["id", "state"], unique=False)
    with op.batch_alter_table("generation") as batch_op:
        batch_op.add_column(sa.Column("hosted", sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("generation") as batch_op:
        batch_op.drop_column("hosted")
    op.drop_table("hosted_ledger")
    op.drop_table("hosted_budget")
    op.drop_table("hosted_key")
