"""health reports."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "health_report",
        sa.Column("finetune_id", sa.String(length=32), nullable=False),
        sa.Column("job_id", sa.String(length=32), nullable=False),
        sa.Column("report", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("measured_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["finetune_id"], ["finetune.id"], name=op.f("fk_health_report_finetune_id_finetune")),
        sa.PrimaryKeyConstraint("finetune_id", name=op.f("pk_health_report")),
    )
    with op.batch_alter_table("health_report") as batch_op:
        batch_op.create_index(batch_op.f("ix_health_report_job_id"), ["job_id"], unique=False)
    op.create_table(
        "health_image",
        sa.Column("finetune_id", sa.String(length=32), nullable=False),
        sa.Column("file", sa.String(length=200), nullable=False),
        sa.Column("image_id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["finetune_id"], ["finetune.id"], name=op.f("fk_health_image_finetune_id_finetune")),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name=op.f("fk_health_image_image_id_image")),
        sa.PrimaryKeyConstraint("finetune_id", "file", name=op.f("pk_health_image")),
    )
