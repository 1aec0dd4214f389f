"""Alembic's entry: run the migrations on the connection of `Database.upgrade`."""

from __future__ import annotations

from alembic import context

from tuner.service.service_tables import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,  # SQLite cannot alter a table in place
)
with context.begin_transaction():
    context.run_migrations()
