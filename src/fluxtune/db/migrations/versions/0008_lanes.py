"""What a job needs to run, and what BFL's webhooks have told of a paid request."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add the columns; hosted generations that wait already need only the network."""
    op.add_column("job", sa.Column("lane", sa.String(length=16), nullable=False, server_default="device"))
    op.add_column("hosted_ledger", sa.Column("told_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(
        "UPDATE job SET lane = 'network' WHERE kind = 'generation' "
        "AND target_id IN (SELECT id FROM generation WHERE hosted IS NOT NULL)"
    )


def downgrade() -> None:
    """Remove them again: everything waits for the device."""
    with op.batch_alter_table("hosted_ledger") as batch_op:
        batch_op.drop_column("told_at")
    with op.batch_alter_table("job") as batch_op:
        batch_op.drop_column("lane")
