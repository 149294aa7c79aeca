"""Other servers, the models there, and which finetunes run at one."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add the tables, and the columns of finetunes elsewhere."""
    op.create_table(
        "server",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("problem", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_server")),
        sa.UniqueConstraint("name", name=op.f("uq_server_name")),
    )
    op.create_table(
        "server_model",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("server_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("remote_id", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("base", sa.String(length=64), nullable=False),
        sa.Column("trigger_word", sa.String(length=60), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["server_id"], ["server.id"], name=op.f("fk_server_model_server_id_server")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_server_model")),
        sa.UniqueConstraint("server_id", "kind", "remote_id", name=op.f("uq_server_model_server_id_kind_remote_id")),
    )
    with op.batch_alter_table("server_model") as batch_op:
        batch_op.create_index(batch_op.f("ix_server_model_server_id"), ["server_id"], unique=False)
    for name, length in (("server_id", 32), ("server_name", 60), ("remote_id", 200), ("elsewhere_model_id", 64)):
        op.add_column("finetune", sa.Column(name, sa.String(length=length), nullable=True))
    op.add_column("finetune", sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Remove them again; finetunes that ran elsewhere stay, without saying so."""
    with op.batch_alter_table("finetune") as batch_op:
        for name in ("sent_at", "elsewhere_model_id", "remote_id", "server_name", "server_id"):
            batch_op.drop_column(name)
    op.drop_table("server_model")
    op.drop_table("server")
