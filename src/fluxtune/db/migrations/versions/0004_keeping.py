"""leftovers of what was removed for good; the version of a model that is used by default."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add the table and the column."""
    op.create_table(
        "leftover",
        sa.Column("path", sa.String(length=300), nullable=False),
        sa.Column("place", sa.String(length=8), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("path", name=op.f("pk_leftover")),
    )
    with op.batch_alter_table("leftover") as batch_op:
        batch_op.create_index(batch_op.f("ix_leftover_sha256"), ["sha256"], unique=False)
    op.add_column("model", sa.Column("default_version_id", sa.String(length=32), nullable=True))


def downgrade() -> None:
    """Remove them again; files that wait to be removed stay on disk."""
    with op.batch_alter_table("model") as batch_op:
        batch_op.drop_column("default_version_id")
    op.drop_table("leftover")
