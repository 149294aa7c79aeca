"""first."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "dataset",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("mode", sa.String(length=16), nullable=False),
        sa.Column("trigger_word", sa.String(length=60), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("sample", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dataset")),
    )
    op.create_table(
        "generation",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("job_id", sa.String(length=32), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("model_id", sa.String(length=64), nullable=False),
        sa.Column("model_name", sa.String(length=120), nullable=False),
        sa.Column("version_id", sa.String(length=32), nullable=True),
        sa.Column("base", sa.String(length=64), nullable=False),
        sa.Column("finetune_strength", sa.Float(), nullable=False),
        sa.Column("width", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("height", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("steps", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("guidance", sa.Float(), nullable=False),
        sa.Column("seeds", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_generation")),
    )
    with op.batch_alter_table("generation") as batch_op:
        batch_op.create_index(batch_op.f("ix_generation_job_id"), ["job_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_generation_model_id"), ["model_id"], unique=False)

    op.create_table(
        "image",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("origin", sa.String(length=16), nullable=False),
        sa.Column("width", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("height", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("byte_count", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("format", sa.String(length=8), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("fingerprint", sa.String(length=160), nullable=False),
        sa.Column("placeholder", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_image")),
    )
    with op.batch_alter_table("image") as batch_op:
        batch_op.create_index(batch_op.f("ix_image_sha256"), ["sha256"], unique=False)

    op.create_table(
        "job",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("target_id", sa.String(length=64), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("phase", sa.String(length=40), nullable=False),
        sa.Column("step", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("steps", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("eta_s", sa.Double(), nullable=True),
        sa.Column("request", sa.String(length=16), nullable=True),
        sa.Column("error", sa.JSON(), nullable=True),
        sa.Column("attempt", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("worker_id", sa.String(length=64), nullable=True),
        sa.Column("owner", sa.String(length=200), nullable=True),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
    )
    with op.batch_alter_table("job") as batch_op:
        batch_op.create_index(batch_op.f("ix_job_state"), ["state"], unique=False)
        batch_op.create_index(batch_op.f("ix_job_target_id"), ["target_id"], unique=False)

    op.create_table(
        "sign_in_link",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_sign_in_link")),
    )
    op.create_table(
        "user_session",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_user_session")),
    )
    op.create_table(
        "worker",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("owner", sa.String(length=200), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_worker")),
    )
    op.create_table(
        "dataset_image",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("dataset_id", sa.String(length=32), nullable=False),
        sa.Column("image_id", sa.String(length=32), nullable=False),
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=400), nullable=False),
        sa.Column("caption", sa.Text(), nullable=False),
        sa.Column("caption_by", sa.String(length=8), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], name=op.f("fk_dataset_image_dataset_id_dataset")),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name=op.f("fk_dataset_image_image_id_image")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dataset_image")),
    )
    with op.batch_alter_table("dataset_image") as batch_op:
        batch_op.create_index("ix_dataset_image_order", ["dataset_id", "position"], unique=False)

    op.create_table(
        "finetune",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("job_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("dataset_id", sa.String(length=32), nullable=False),
        sa.Column("dataset_name", sa.String(length=120), nullable=False),
        sa.Column("snapshot", sa.JSON(), nullable=False),
        sa.Column("snapshot_hash", sa.String(length=64), nullable=False),
        sa.Column("image_count", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("base", sa.String(length=64), nullable=False),
        sa.Column("mode", sa.String(length=16), nullable=False),
        sa.Column("quality", sa.String(length=16), nullable=False),
        sa.Column("trigger_word", sa.String(length=60), nullable=False),
        sa.Column("recipe", sa.JSON(), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("seconds_per_step", sa.Double(), nullable=True),
        sa.Column("loss", sa.Double(), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.Column("steps_done", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("peak_memory_bytes", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("is_stopping", sa.Boolean(), nullable=False),
        sa.Column("last_seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("model_id", sa.String(length=32), nullable=True),
        sa.Column("cover_image_id", sa.String(length=32), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["cover_image_id"], ["image.id"], name=op.f("fk_finetune_cover_image_id_image")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finetune")),
    )
    with op.batch_alter_table("finetune") as batch_op:
        batch_op.create_index(batch_op.f("ix_finetune_dataset_id"), ["dataset_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_finetune_job_id"), ["job_id"], unique=False)

    op.create_table(
        "gallery_image",
        sa.Column("image_id", sa.String(length=32), nullable=False),
        sa.Column("model_id", sa.String(length=64), nullable=False),
        sa.Column("generation_id", sa.String(length=32), nullable=False),
        sa.Column("prompt_folded", sa.Text(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("is_favourite", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name=op.f("fk_gallery_image_image_id_image")),
        sa.PrimaryKeyConstraint("image_id", name=op.f("pk_gallery_image")),
    )
    with op.batch_alter_table("gallery_image") as batch_op:
        batch_op.create_index(batch_op.f("ix_gallery_image_generation_id"), ["generation_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_gallery_image_model_id"), ["model_id"], unique=False)
        batch_op.create_index("ix_gallery_image_newest", ["deleted_at", "image_id"], unique=False)

    op.create_table(
        "generation_image",
        sa.Column("generation_id", sa.String(length=32), nullable=False),
        sa.Column("index", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("image_id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["generation_id"], ["generation.id"], name=op.f("fk_generation_image_generation_id_generation")
        ),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name=op.f("fk_generation_image_image_id_image")),
        sa.PrimaryKeyConstraint("generation_id", "index", name=op.f("pk_generation_image")),
    )
    op.create_table(
        "job_event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("job_id", sa.String(length=32), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_job_event_job_id_job")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_event")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("job_event") as batch_op:
        batch_op.create_index("ix_job_event_job", ["job_id", "id"], unique=False)

    op.create_table(
        "model",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("base", sa.String(length=64), nullable=False),
        sa.Column("mode", sa.String(length=16), nullable=False),
        sa.Column("trigger_word", sa.String(length=60), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("prompts", sa.JSON(), nullable=False),
        sa.Column("cover_image_id", sa.String(length=32), nullable=True),
        sa.Column("finetune_id", sa.String(length=32), nullable=True),
        sa.Column("dataset_id", sa.String(length=32), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["cover_image_id"], ["image.id"], name=op.f("fk_model_cover_image_id_image")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model")),
    )
    with op.batch_alter_table("model") as batch_op:
        batch_op.create_index(batch_op.f("ix_model_finetune_id"), ["finetune_id"], unique=False)

    op.create_table(
        "finetune_checkpoint",
        sa.Column("finetune_id", sa.String(length=32), nullable=False),
        sa.Column("step", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("folder", sa.String(length=200), nullable=False),
        sa.Column("byte_count", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["finetune_id"], ["finetune.id"], name=op.f("fk_finetune_checkpoint_finetune_id_finetune")
        ),
        sa.PrimaryKeyConstraint("finetune_id", "step", name=op.f("pk_finetune_checkpoint")),
    )
    op.create_table(
        "finetune_log",
        sa.Column("finetune_id", sa.String(length=32), nullable=False),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["finetune_id"], ["finetune.id"], name=op.f("fk_finetune_log_finetune_id_finetune")),
        sa.PrimaryKeyConstraint("finetune_id", "seq", name=op.f("pk_finetune_log")),
    )
    op.create_table(
        "finetune_loss",
        sa.Column("finetune_id", sa.String(length=32), nullable=False),
        sa.Column("step", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("loss", sa.Double(), nullable=False),
        sa.Column("smoothed", sa.Double(), nullable=False),
        sa.Column("learning_rate", sa.Double(), nullable=False),
        sa.Column("grad_norm", sa.Double(), nullable=False),
        sa.Column("seconds_per_step", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["finetune_id"], ["finetune.id"], name=op.f("fk_finetune_loss_finetune_id_finetune")),
        sa.PrimaryKeyConstraint("finetune_id", "step", name=op.f("pk_finetune_loss")),
    )
    op.create_table(
        "finetune_sample",
        sa.Column("finetune_id", sa.String(length=32), nullable=False),
        sa.Column("step", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("row", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("image_id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["finetune_id"], ["finetune.id"], name=op.f("fk_finetune_sample_finetune_id_finetune")),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name=op.f("fk_finetune_sample_image_id_image")),
        sa.PrimaryKeyConstraint("finetune_id", "step", "row", name=op.f("pk_finetune_sample")),
    )
    op.create_table(
        "model_version",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("model_id", sa.String(length=32), nullable=False),
        sa.Column("step", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("label", sa.String(length=120), nullable=False),
        sa.Column("byte_count", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["model_id"], ["model.id"], name=op.f("fk_model_version_model_id_model")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_version")),
    )
    with op.batch_alter_table("model_version") as batch_op:
        batch_op.create_index(batch_op.f("ix_model_version_model_id"), ["model_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("model_version") as batch_op:
        batch_op.drop_index(batch_op.f("ix_model_version_model_id"))

    op.drop_table("model_version")
    op.drop_table("finetune_sample")
    op.drop_table("finetune_loss")
    op.drop_table("finetune_log")
    op.drop_table("finetune_checkpoint")
    with op.batch_alter_table("model") as batch_op:
        batch_op.drop_index(batch_op.f("ix_model_finetune_id"))

    op.drop_table("model")
    with op.batch_alter_table("job_event") as batch_op:
        batch_op.drop_index("ix_job_event_job")

    op.drop_table("job_event")
    op.drop_table("generation_image")
    with op.batch_alter_table("gallery_image") as batch_op:
        batch_op.drop_index("ix_gallery_image_newest")
        batch_op.drop_index(batch_op.f("ix_gallery_image_model_id"))
        batch_op.drop_index(batch_op.f("ix_gallery_image_generation_id"))

    op.drop_table("gallery_image")
    with op.batch_alter_table("finetune") as batch_op:
        batch_op.drop_index(batch_op.f("ix_finetune_job_id"))
        batch_op.drop_index(batch_op.f("ix_finetune_dataset_id"))

    op.drop_table("finetune")
    with op.batch_alter_table("dataset_image") as batch_op:
        batch_op.drop_index("ix_dataset_image_order")

    op.drop_table("dataset_image")
    op.drop_table("worker")
    op.drop_table("user_session")
    op.drop_table("sign_in_link")
    with op.batch_alter_table("job") as batch_op:
        batch_op.drop_index(batch_op.f("ix_job_target_id"))
        batch_op.drop_index(batch_op.f("ix_job_state"))

    op.drop_table("job")
    with op.batch_alter_table("image") as batch_op:
        batch_op.drop_index(batch_op.f("ix_image_sha256"))

    op.drop_table("image")
    with op.batch_alter_table("generation") as batch_op:
        batch_op.drop_index(batch_op.f("ix_generation_model_id"))
        batch_op.drop_index(batch_op.f("ix_generation_job_id"))

    op.drop_table("generation")
    op.drop_table("dataset")
