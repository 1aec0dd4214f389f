"""Make the first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Bring the tables up to this version."""
    op.create_table(
        "service_identity",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_identity")),
    )
    op.create_table(
        "service_summaries",
        sa.Column("study", sa.String(length=512), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("view", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("study", name=op.f("pk_service_summaries")),
    )
    op.create_table(
        "service_answers",
        sa.Column("owner", sa.String(length=80), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("request", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("headers", sa.JSON(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "key", name=op.f("pk_service_answers")),
    )
    with op.batch_alter_table("service_answers", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_service_answers_created_at"), ["created_at"], unique=False)

    op.create_table(
        "service_audit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("action", sa.String(length=200), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_audit")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("service_audit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_service_audit_at"), ["at"], unique=False)

    op.create_table(
        "service_datasets",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("owner", sa.String(length=80), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_service_datasets")),
    )
    op.create_table(
        "service_cursors",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_service_cursors")),
    )
    op.create_table(
        "service_jobs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("study", sa.String(length=512), nullable=False),
        sa.Column("owner", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("cpus", sa.Integer(), nullable=False),
        sa.Column("gpus", sa.Integer(), nullable=False),
        sa.Column("command", sa.JSON(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("submitted_at", sa.Float(), nullable=False),
        sa.Column("queued_at", sa.Float(), nullable=False),
        sa.Column("started_at", sa.Float(), nullable=True),
        sa.Column("ended_at", sa.Float(), nullable=True),
        sa.Column("passed", sa.JSON(), nullable=False),
        sa.Column("starts", sa.Integer(), nullable=False),
        sa.Column("wanted", sa.String(length=16), nullable=True),
        sa.Column("process", sa.JSON(), nullable=True),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("deleted_at", sa.Float(), nullable=True),
        sa.Column("orphaned_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_jobs")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("service_jobs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_service_jobs_owner"), ["owner"], unique=False)
        batch_op.create_index(batch_op.f("ix_service_jobs_state"), ["state"], unique=False)
        batch_op.create_index(batch_op.f("ix_service_jobs_study"), ["study"], unique=False)

    op.create_table(
        "service_leases",
        sa.Column("study", sa.String(length=512), nullable=False),
        sa.Column("trial", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(length=200), nullable=False),
        sa.Column("owner", sa.String(length=80), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("study", "trial", name=op.f("pk_service_leases")),
    )
    op.create_table(
        "service_users",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("disabled_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_users")),
        sa.UniqueConstraint("name", name=op.f("uq_service_users_name")),
    )
    op.create_table(
        "service_webhooks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(length=80), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("secret", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_webhooks")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("service_webhooks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_service_webhooks_owner"), ["owner"], unique=False)

    op.create_table(
        "service_job_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["service_jobs.id"], name=op.f("fk_service_job_changes_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_job_changes")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("service_job_changes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_service_job_changes_job_id"), ["job_id"], unique=False)

    op.create_table(
        "service_tokens",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("digest", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=True),
        sa.Column("revoked_at", sa.Float(), nullable=True),
        sa.Column("used_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["service_users.id"], name=op.f("fk_service_tokens_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_tokens")),
    )
    with op.batch_alter_table("service_tokens", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_service_tokens_user_id"), ["user_id"], unique=False)

    op.create_table(
        "service_sessions",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("token_id", sa.String(length=24), nullable=True),
        sa.Column("csrf", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["token_id"], ["service_tokens.id"], name=op.f("fk_service_sessions_token_id")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_service_sessions")),
    )
    with op.batch_alter_table("service_sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_service_sessions_token_id"), ["token_id"], unique=False)

    op.create_table(
        "service_uses",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(length=80), nullable=False),
        sa.Column("cpus", sa.Integer(), nullable=False),
        sa.Column("gpus", sa.Integer(), nullable=False),
        sa.Column("start", sa.Float(), nullable=False),
        sa.Column("end", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["service_jobs.id"], name=op.f("fk_service_uses_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_uses")),
    )
    with op.batch_alter_table("service_uses", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_service_uses_end"), ["end"], unique=False)
        batch_op.create_index(batch_op.f("ix_service_uses_job_id"), ["job_id"], unique=False)

    op.create_table(
        "service_deliveries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(length=80), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.String(length=200), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.Float(), nullable=True),
        sa.Column("sent_at", sa.Float(), nullable=True),
        sa.Column("given_up_at", sa.Float(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["service_jobs.id"], name=op.f("fk_service_deliveries_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_deliveries")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("service_deliveries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_service_deliveries_job_id"), ["job_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_service_deliveries_owner"), ["owner"], unique=False)
        batch_op.create_index(batch_op.f("ix_service_deliveries_next_at"), ["next_at"], unique=False)
