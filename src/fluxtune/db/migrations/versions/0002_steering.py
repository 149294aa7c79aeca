"""Steering: what runs are asked, what they tell, probes, templates, webhooks, and the order of the queue."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "finetune_probe",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("job_id", sa.String(length=32), nullable=False),
        sa.Column("snapshot", sa.JSON(), nullable=False),
        sa.Column("base", sa.String(length=64), nullable=False),
        sa.Column("mode", sa.String(length=16), nullable=False),
        sa.Column("trigger_word", sa.String(length=60), nullable=False),
        sa.Column("recipe", sa.JSON(), nullable=False),
        sa.Column("load_key", sa.String(length=64), nullable=False),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finetune_probe")),
    )
    with op.batch_alter_table("finetune_probe") as batch_op:
        batch_op.create_index(batch_op.f("ix_finetune_probe_base"), ["base"], unique=False)
        batch_op.create_index(batch_op.f("ix_finetune_probe_job_id"), ["job_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_finetune_probe_load_key"), ["load_key"], unique=False)

    op.create_table(
        "recipe_template",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("name_folded", sa.String(length=240), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("base", sa.String(length=64), nullable=True),
        sa.Column("mode", sa.String(length=16), nullable=True),
        sa.Column("quality", sa.String(length=16), nullable=True),
        sa.Column("recipe", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recipe_template")),
        sa.UniqueConstraint("name_folded", name=op.f("uq_recipe_template_name_folded")),
    )
    op.create_table(
        "webhook_delivery",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("target_id", sa.String(length=32), nullable=False),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("last_status", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("gives_up_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_delivery")),
    )
    with op.batch_alter_table("webhook_delivery") as batch_op:
        batch_op.create_index(batch_op.f("ix_webhook_delivery_state"), ["state"], unique=False)
        batch_op.create_index(batch_op.f("ix_webhook_delivery_target_id"), ["target_id"], unique=False)

    op.create_table(
        "finetune_healing",
        sa.Column("finetune_id", sa.String(length=32), nullable=False),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("step", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("trouble", sa.String(length=40), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("goes_on_from", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["finetune_id"], ["finetune.id"], name=op.f("fk_finetune_healing_finetune_id_finetune")
        ),
        sa.PrimaryKeyConstraint("finetune_id", "seq", name=op.f("pk_finetune_healing")),
    )
    op.create_table(
        "finetune_image_loss",
        sa.Column("finetune_id", sa.String(length=32), nullable=False),
        sa.Column("step", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("index", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("loss", sa.Double(), nullable=False),
        sa.Column("count", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["finetune_id"], ["finetune.id"], name=op.f("fk_finetune_image_loss_finetune_id_finetune")
        ),
        sa.PrimaryKeyConstraint("finetune_id", "step", "index", name=op.f("pk_finetune_image_loss")),
    )
    op.create_table(
        "finetune_validation",
        sa.Column("finetune_id", sa.String(length=32), nullable=False),
        sa.Column("step", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("loss", sa.Double(), nullable=False),
        sa.Column("base_loss", sa.Double(), nullable=True),
        sa.Column("by_sigma", sa.JSON(), nullable=False),
        sa.Column("measured_on", sa.String(length=16), nullable=False),
        sa.Column("image_count", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["finetune_id"], ["finetune.id"], name=op.f("fk_finetune_validation_finetune_id_finetune")
        ),
        sa.PrimaryKeyConstraint("finetune_id", "step", name=op.f("pk_finetune_validation")),
    )
    with op.batch_alter_table("finetune") as batch_op:
        batch_op.add_column(
            sa.Column("memory_bytes", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        batch_op.add_column(sa.Column("device_load", sa.Double(), nullable=True))
        batch_op.add_column(sa.Column("parent_id", sa.String(length=32), nullable=True))
        batch_op.add_column(
            sa.Column("parent_step", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        batch_op.add_column(sa.Column("webhook_url", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("webhook_secret", sa.Text(), nullable=True))
        batch_op.create_index(batch_op.f("ix_finetune_parent_id"), ["parent_id"], unique=False)

    with op.batch_alter_table("finetune_loss") as batch_op:
        batch_op.add_column(
            sa.Column("memory_bytes", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        batch_op.add_column(sa.Column("device_load", sa.Double(), nullable=True))

    with op.batch_alter_table("job") as batch_op:
        batch_op.add_column(sa.Column("wishes", sa.JSON(), nullable=False, server_default="[]"))
        batch_op.add_column(
            sa.Column("turn", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False, server_default="0")
        )
        batch_op.create_index(batch_op.f("ix_job_turn"), ["turn"], unique=False)

    # Jobs keep the turns they had by the time they were queued.
    op.execute(
        "UPDATE job SET turn = (SELECT count(*) FROM job AS before WHERE before.queued_at < job.queued_at"
        " OR (before.queued_at = job.queued_at AND before.id <= job.id))"
    )


def downgrade() -> None:
    with op.batch_alter_table("job") as batch_op:
        batch_op.drop_index(batch_op.f("ix_job_turn"))
        batch_op.drop_column("turn")
        batch_op.drop_column("wishes")
    with op.batch_alter_table("finetune_loss") as batch_op:
        batch_op.drop_column("device_load")
        batch_op.drop_column("memory_bytes")
    with op.batch_alter_table("finetune") as batch_op:
        batch_op.drop_index(batch_op.f("ix_finetune_parent_id"))
        for column in ("webhook_secret", "webhook_url", "parent_step", "parent_id", "device_load", "memory_bytes"):
            batch_op.drop_column(column)
    for table in (
        "finetune_validation",
        "finetune_image_loss",
        "finetune_healing",
        "webhook_delivery",
        "recipe_template",
        "finetune_probe",
    ):
        op.drop_table(table)
