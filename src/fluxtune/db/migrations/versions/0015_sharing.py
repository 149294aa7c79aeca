"""Whose things are, with whom they are shared, and what people may use. Images are found by what they lie in."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# Who may see an image is asked with every thumbnail: what it lies in must be found without reading whole tables.
PLACES = (
    ("dataset_image", "image_id"),
    ("dataset_image", "original_id"),
    ("generation_image", "image_id"),
    ("finetune_sample", "image_id"),
    ("finetune", "cover_image_id"),
    ("model", "cover_image_id"),
    ("health_image", "image_id"),
)


def upgrade() -> None:
    op.create_table(
        "ownership",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("thing_id", sa.String(length=64), nullable=False),
        sa.Column("owner_id", sa.String(length=32), nullable=False),
        sa.Column("everyone", sa.String(length=8), nullable=False, server_default=""),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kind", "thing_id", name=op.f("pk_ownership")),
    )
    op.create_index("ix_ownership_owner", "ownership", ["owner_id", "kind", "thing_id"], unique=False)
    op.create_table(
        "share",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("thing_id", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("may", sa.String(length=8), nullable=False),
        sa.PrimaryKeyConstraint("kind", "thing_id", "person_id", name=op.f("pk_share")),
    )
    op.create_index("ix_share_person", "share", ["person_id", "kind", "thing_id"], unique=False)
    op.create_table(
        "quota",
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("limits", sa.JSON(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_quota")),
    )
    op.create_table(
        "usage",
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("what", sa.String(length=16), nullable=False),
        sa.Column("period", sa.String(length=10), nullable=False),
        sa.Column("amount", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("person_id", "what", "period", name=op.f("pk_usage")),
    )
    for table, column in PLACES:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column], unique=False)


def downgrade() -> None:
    for table, column in reversed(PLACES):
        op.drop_index(op.f(f"ix_{table}_{column}"), table_name=table)
    for table in ("usage", "quota"):
        op.drop_table(table)
    op.drop_index("ix_share_person", table_name="share")
    op.drop_table("share")
    op.drop_index("ix_ownership_owner", table_name="ownership")
    op.drop_table("ownership")
