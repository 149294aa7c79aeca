"""what the catalogue knows of a model: tags, strengths, whose images it learned, where its file came from."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add the columns; models that are there get no tags and strengths from 0 to 1.5."""
    op.add_column("model", sa.Column("tags", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("model", sa.Column("least_strength", sa.Double(), nullable=False, server_default="0"))
    op.add_column("model", sa.Column("most_strength", sa.Double(), nullable=False, server_default="1.5"))
    op.add_column("model", sa.Column("data_rights", sa.String(length=16), nullable=False, server_default="unknown"))
    op.add_column("model", sa.Column("data_licence", sa.Text(), nullable=False, server_default=""))
    op.add_column("model", sa.Column("provenance", sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    """Remove them again, with what they hold."""
    with op.batch_alter_table("model") as batch_op:
        for name in ("provenance", "data_licence", "data_rights", "most_strength", "least_strength", "tags"):
            batch_op.drop_column(name)
