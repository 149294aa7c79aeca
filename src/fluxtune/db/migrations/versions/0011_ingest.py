"""What is measured of images, and a dataset's own limits of the check."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("image") as table:
        table.add_column(sa.Column("measures", sa.JSON(), nullable=False, server_default="{}"))
    with op.batch_alter_table("dataset") as table:
        table.add_column(sa.Column("check_limits", sa.JSON(), nullable=False, server_default="{}"))


def downgrade() -> None:
    with op.batch_alter_table("dataset") as table:
        table.drop_column("check_limits")
    with op.batch_alter_table("image") as table:
        table.drop_column("measures")
