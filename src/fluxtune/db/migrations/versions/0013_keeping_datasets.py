"""Images of datasets: edits, tags, notes, where they are from, how often they are repeated, and when they changed."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("dataset") as batch_op:
        batch_op.add_column(sa.Column("source", sa.Text(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("licence", sa.String(length=120), nullable=False, server_default=""))
    with op.batch_alter_table("dataset_image") as batch_op:
        batch_op.add_column(sa.Column("tags", sa.Text(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("notes", sa.Text(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("source", sa.Text(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("licence", sa.String(length=120), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("repeats", WHOLE, nullable=False, server_default="1"))
        batch_op.add_column(sa.Column("edits", sa.JSON(none_as_null=True), nullable=True))
        batch_op.add_column(sa.Column("original_id", sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_dataset_image_original_id_image"), "image", ["original_id"], ["id"])
    op.execute("UPDATE dataset_image SET changed_at = created_at")
    with op.batch_alter_table("dataset_image") as batch_op:
        batch_op.alter_column("changed_at", existing_type=sa.DateTime(timezone=True), nullable=False)
        batch_op.create_index("ix_dataset_image_changed", ["dataset_id", "changed_at"], unique=False)


def downgrade() -> None:
    # What was edited shows its original again; the edited pictures stay until the trash is emptied.
    op.execute("UPDATE dataset_image SET image_id = original_id WHERE original_id IS NOT NULL")
    with op.batch_alter_table("dataset_image") as batch_op:
        batch_op.drop_index("ix_dataset_image_changed")
        batch_op.drop_constraint(batch_op.f("fk_dataset_image_original_id_image"), type_="foreignkey")
        for name in ("changed_at", "original_id", "edits", "repeats", "licence", "source", "notes", "tags"):
            batch_op.drop_column(name)
    with op.batch_alter_table("dataset") as batch_op:
        batch_op.drop_column("licence")
        batch_op.drop_column("source")
