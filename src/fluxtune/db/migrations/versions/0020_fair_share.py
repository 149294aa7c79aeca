"""Jobs know whose they are, and people take turns."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0020"
down_revision: str | None = "0019"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("job") as batch_op:
        batch_op.add_column(sa.Column("actor_id", sa.String(length=64), nullable=False, server_default="local"))
        batch_op.add_column(sa.Column("round", WHOLE, nullable=False, server_default="0"))


def downgrade() -> None:
    with op.batch_alter_table("job") as batch_op:
        batch_op.drop_column("round")
        batch_op.drop_column("actor_id")
