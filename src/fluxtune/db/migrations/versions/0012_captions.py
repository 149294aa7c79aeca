"""who wrote a caption, what it was before, steps over many captions that can be undone, and vision endpoints."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add the column and the tables."""
    op.add_column("dataset_image", sa.Column("caption_source", sa.String(length=120), nullable=True))
    op.create_table(
        "caption_step",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("dataset_id", sa.String(length=32), nullable=False),
        sa.Column("job_id", sa.String(length=32), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("changed_count", sa.Integer(), nullable=False),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["dataset.id"], name=op.f("fk_caption_step_dataset_id_dataset"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_caption_step")),
    )
    with op.batch_alter_table("caption_step") as batch_op:
        batch_op.create_index(batch_op.f("ix_caption_step_dataset_id"), ["dataset_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_caption_step_job_id"), ["job_id"], unique=False)
    op.create_table(
        "caption_change",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("dataset_image_id", sa.String(length=32), nullable=False),
        sa.Column("step_id", sa.String(length=32), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("before_by", sa.String(length=8), nullable=False),
        sa.Column("before_source", sa.String(length=120), nullable=True),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("after_by", sa.String(length=8), nullable=False),
        sa.Column("after_source", sa.String(length=120), nullable=True),
        sa.ForeignKeyConstraint(
            ["dataset_image_id"],
            ["dataset_image.id"],
            name=op.f("fk_caption_change_dataset_image_id_dataset_image"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["step_id"], ["caption_step.id"], name=op.f("fk_caption_change_step_id_caption_step"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_caption_change")),
    )
    with op.batch_alter_table("caption_change") as batch_op:
        batch_op.create_index(batch_op.f("ix_caption_change_dataset_image_id"), ["dataset_image_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_caption_change_step_id"), ["step_id"], unique=False)
    op.create_table(
        "caption_endpoint",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("secret", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_caption_endpoint")),
        sa.UniqueConstraint("name", name=op.f("uq_caption_endpoint_name")),
    )
    op.create_table(
        "caption_prompt",
        sa.Column("mode", sa.String(length=16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("mode", name=op.f("pk_caption_prompt")),
    )


def downgrade() -> None:
    """Remove them again; captions stay as they are, and those written by a captioner count as typed."""
    op.drop_table("caption_prompt")
    op.drop_table("caption_endpoint")
    op.drop_table("caption_change")
    op.drop_table("caption_step")
    op.execute("UPDATE dataset_image SET caption_by = 'person' WHERE caption_by = 'auto'")
    op.drop_column("dataset_image", "caption_source")
