"""People and their invitations; whose sessions, links and tokens are; what tokens may do and for how long."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "person",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("last_seen_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
    )
    op.create_index(op.f("ix_person_email"), "person", ["email"], unique=True)
    op.create_table(
        "invitation",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_invitation_person_id_person")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_invitation")),
    )
    op.create_index(op.f("ix_invitation_person_id"), "invitation", ["person_id"])
    with op.batch_alter_table("user_session") as batch_op:
        batch_op.add_column(sa.Column("id", sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column("person_id", sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column("device", sa.String(length=200), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("address", sa.String(length=64), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("last_seen_at", TIME, nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_user_session_person_id_person"), "person", ["person_id"], ["id"])
        batch_op.create_index(batch_op.f("ix_user_session_person_id"), ["person_id"])
    # A part of the hash: it names the session and opens nothing.
    op.execute("UPDATE user_session SET id = substr(token_hash, 1, 32)")
    with op.batch_alter_table("user_session") as batch_op:
        batch_op.alter_column("id", existing_type=sa.String(length=32), nullable=False)
        batch_op.create_index(batch_op.f("ix_user_session_id"), ["id"], unique=True)
    with op.batch_alter_table("sign_in_link") as batch_op:
        batch_op.add_column(sa.Column("person_id", sa.String(length=32), nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_sign_in_link_person_id_person"), "person", ["person_id"], ["id"])
    with op.batch_alter_table("api_token") as batch_op:
        batch_op.add_column(sa.Column("person_id", sa.String(length=32), nullable=True))
        # What there is was made for `/v1` and stays good for that alone.
        batch_op.add_column(sa.Column("scopes", sa.String(length=120), nullable=False, server_default="v1"))
        batch_op.add_column(sa.Column("expires_at", TIME, nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_api_token_person_id_person"), "person", ["person_id"], ["id"])
        batch_op.create_index(batch_op.f("ix_api_token_person_id"), ["person_id"])


def downgrade() -> None:
    # Without people to ask, what was theirs would be the local owner's: it ends here instead.
    for table in ("user_session", "sign_in_link", "api_token"):
        op.execute(f"DELETE FROM {table} WHERE person_id IS NOT NULL")  # noqa: S608 - names stand above
    with op.batch_alter_table("api_token") as batch_op:
        batch_op.drop_index(batch_op.f("ix_api_token_person_id"))
        batch_op.drop_constraint(batch_op.f("fk_api_token_person_id_person"), type_="foreignkey")
        for name in ("expires_at", "scopes", "person_id"):
            batch_op.drop_column(name)
    with op.batch_alter_table("sign_in_link") as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_sign_in_link_person_id_person"), type_="foreignkey")
        batch_op.drop_column("person_id")
    with op.batch_alter_table("user_session") as batch_op:
        batch_op.drop_index(batch_op.f("ix_user_session_id"))
        batch_op.drop_index(batch_op.f("ix_user_session_person_id"))
        batch_op.drop_constraint(batch_op.f("fk_user_session_person_id_person"), type_="foreignkey")
        for name in ("last_seen_at", "address", "device", "person_id", "id"):
            batch_op.drop_column(name)
    op.drop_table("invitation")
    op.drop_table("person")
