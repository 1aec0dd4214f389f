"""The tables of the service, in the database of the studies. `migrations/` makes them.

Times are seconds since 1970. Names of studies are those of Optuna's table: a job refers to a study by its name.
"""

from __future__ import annotations

import sqlalchemy
from sqlalchemy import JSON, Column, Float, ForeignKey, Integer, LargeBinary, MetaData, String, Table, Text

VERSION_TABLE = "service_version"
"""The table in which Alembic notes the last migration."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

identity = Table("service_identity", metadata, Column("id", String(32), primary_key=True))
"""One row: what tells this database from others, in the mark of its home."""

users = Table(
    "service_users",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(80), nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("disabled_at", Float),
)

tokens = Table(
    "service_tokens",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("user_id", ForeignKey("service_users.id"), nullable=False, index=True),
    Column("label", String(80), nullable=False),
    Column("digest", String(200), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
    Column("revoked_at", Float),
    Column("used_at", Float),
)

sessions = Table(
    "service_sessions",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("token_id", ForeignKey("service_tokens.id"), index=True),
    Column("csrf", String(64), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
)
"""Logins of the page, with the token of each. Without a token it began with the printed link."""

jobs = Table(
    "service_jobs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("study", String(512), nullable=False, index=True),
    Column("owner", String(80), nullable=False, index=True),
    Column("state", String(16), nullable=False, index=True),
    Column("priority", Integer, nullable=False),
    Column("cpus", Integer, nullable=False),
    Column("gpus", Integer, nullable=False),
    Column("command", JSON, nullable=False),
    Column("folder", Text, nullable=False),
    Column("submitted_at", Float, nullable=False),
    Column("queued_at", Float, nullable=False),
    Column("started_at", Float),
    Column("ended_at", Float),
    Column("passed", JSON, nullable=False),
    Column("starts", Integer, nullable=False),
    Column("wanted", String(16)),
    Column("process", JSON),
    Column("exit_code", Integer),
    Column("reason", Text, nullable=False),
    Column("deleted_at", Float),
    Column("orphaned_at", Float),
    sqlite_autoincrement=True,
)
"""`starts` counts the starts without progress. `wanted` is the state that the job takes when its driver has ended.
`process` is the driver's host, pid and start time. `orphaned_at` is when the study of a final model was deleted."""

job_changes = Table(
    "service_job_changes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("job_id", ForeignKey("service_jobs.id"), nullable=False, index=True),
    Column("at", Float, nullable=False),
    Column("state", String(16), nullable=False),
    Column("actor", String(80), nullable=False),
    Column("reason", Text, nullable=False),
    sqlite_autoincrement=True,
)

uses = Table(
    "service_uses",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("job_id", ForeignKey("service_jobs.id"), nullable=False, index=True),
    Column("owner", String(80), nullable=False),
    Column("cpus", Integer, nullable=False),
    Column("gpus", Integer, nullable=False),
    Column("start", Float, nullable=False),
    Column("end", Float, index=True),
)
"""The times in which jobs held their slots; without an `end` one still does."""

summaries = Table(
    "service_summaries",
    metadata,
    Column("study", String(512), primary_key=True),
    Column("version", String(40), nullable=False),
    Column("key", Text, nullable=False),
    Column("view", Text, nullable=False),
)
"""What lists say of studies. Any row may be deleted: it is made again."""

datasets = Table(
    "service_datasets",
    metadata,
    Column("name", String(80), primary_key=True),
    Column("owner", String(80), nullable=False),
    Column("files", JSON, nullable=False),
    Column("size", sqlalchemy.BigInteger, nullable=False),
    Column("created_at", Float, nullable=False),
)
"""Uploaded data; `files` maps a path to the digest of its content."""

leases = Table(
    "service_leases",
    metadata,
    Column("study", String(512), primary_key=True),
    Column("trial", Integer, primary_key=True),
    Column("attempt", Integer, nullable=False),
    Column("worker", String(200), nullable=False),
    Column("owner", String(80), nullable=False),
    Column("seconds", Float, nullable=False),
    Column("key", String(200), nullable=False),
    Column("expires_at", Float, nullable=False),
)
"""The trials of remote workers, until they end or the lease expires. `key` is that of the request that asked."""

answers = Table(
    "service_answers",
    metadata,
    Column("owner", String(80), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("request", String(64), nullable=False),
    Column("status", Integer),
    Column("headers", JSON, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("created_at", Float, nullable=False, index=True),
)
"""Answers by `Idempotency-Key`; `request` is a digest of method, path and body. Without a status it is being made."""

audit = Table(
    "service_audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Float, nullable=False, index=True),
    Column("actor", String(80), nullable=False),
    Column("action", String(200), nullable=False),
    Column("status", Integer, nullable=False),
    Column("address", String(80), nullable=False),
    sqlite_autoincrement=True,
)

webhooks = Table(
    "service_webhooks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("owner", String(80), nullable=False, index=True),
    Column("url", Text, nullable=False),
    Column("events", JSON, nullable=False),
    Column("secret", String(200)),
    sqlite_autoincrement=True,
)

deliveries = Table(
    "service_deliveries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("job_id", ForeignKey("service_jobs.id"), nullable=False, index=True),
    Column("owner", String(80), nullable=False, index=True),
    Column("url", Text, nullable=False),
    Column("secret", String(200)),
    Column("body", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_at", Float, index=True),
    Column("sent_at", Float),
    Column("given_up_at", Float),
    Column("error", Text, nullable=False),
    sqlite_autoincrement=True,
)
"""Messages to webhooks. `next_at` is the time of the next try, null when there is none."""

cursors = Table(
    "service_cursors",
    metadata,
    Column("name", String(80), primary_key=True),
    Column("position", sqlalchemy.BigInteger, nullable=False),
)
"""Up to where notifications have read the changes of jobs, and the events of each."""
