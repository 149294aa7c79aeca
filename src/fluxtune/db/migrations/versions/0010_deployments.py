"""Where models are at BFL, images drawn here and there side by side, and a catalogue that is searched in SQL."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add both tables; fold what is known of every model for searching."""
    op.add_column("model", sa.Column("searched", sa.Text(), nullable=False, server_default=""))
    op.add_column("model", sa.Column("training", sa.JSON(none_as_null=True), nullable=True))
    op.create_index("ix_model_newest", "model", ["deleted_at", "id"], unique=False)
    op.create_index("ix_model_facets", "model", ["deleted_at", "base", "mode"], unique=False)
    _fold()
    op.create_table(
        "deployment",
        sa.Column("model_id", sa.String(length=32), nullable=False),
        sa.Column("version_id", sa.String(length=32), nullable=True),
        sa.Column("endpoint", sa.String(length=64), nullable=False),
        sa.Column("finetune_id", sa.String(length=200), nullable=False),
        sa.Column("key_name", sa.String(length=60), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("probe_id", sa.String(length=32), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["model_id"], ["model.id"], name=op.f("fk_deployment_model_id_model")),
        sa.PrimaryKeyConstraint("model_id", name=op.f("pk_deployment")),
    )
    with op.batch_alter_table("deployment") as batch_op:
        batch_op.create_index(batch_op.f("ix_deployment_finetune_id"), ["finetune_id"], unique=False)
    op.create_table(
        "parity",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("model_id", sa.String(length=32), nullable=False),
        sa.Column("endpoint", sa.String(length=64), nullable=False),
        sa.Column("finetune_id", sa.String(length=200), nullable=False),
        sa.Column("strength", sa.Double(), nullable=False),
        sa.Column("width", WHOLE, nullable=False),
        sa.Column("height", WHOLE, nullable=False),
        sa.Column("parts", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["model_id"], ["model.id"], name=op.f("fk_parity_model_id_model")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parity")),
    )
    with op.batch_alter_table("parity") as batch_op:
        batch_op.create_index(batch_op.f("ix_parity_model_id"), ["model_id"], unique=False)


def _fold() -> None:
    model = sa.table(
        "model",
        *(sa.column(name, sa.Text()) for name in ("id", "name", "base", "trigger_word", "description", "notes")),
        sa.column("tags", sa.JSON()),
        sa.column("searched", sa.Text()),
    )
    connection = op.get_bind()
    columns = (model.c.id, model.c.name, model.c.base, model.c.trigger_word, model.c.tags)
    query = sa.select(*columns, model.c.description, model.c.notes)
    for id_, name, base, trigger_word, tags, *texts in connection.execute(query).all():
        folded = "\n".join((name, base, trigger_word, *tags, *texts)).casefold()
        connection.execute(sa.update(model).where(model.c.id == id_).values(searched=folded))


def downgrade() -> None:
    """Remove both tables and what was folded, with what they hold."""
    with op.batch_alter_table("model") as batch_op:
        batch_op.drop_index("ix_model_facets")
        batch_op.drop_index("ix_model_newest")
        batch_op.drop_column("training")
        batch_op.drop_column("searched")
    op.drop_table("parity")
    op.drop_table("deployment")
