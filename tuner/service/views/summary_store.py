"""What lists say of studies, kept in the database: a server that starts need not read a thousand studies again."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version

import sqlalchemy

from tuner.service.database import Database
from tuner.service.schemas import StudyView
from tuner.service.service_tables import summaries


class SummaryStore:
    """Keeps a view of each study, with the key of what it was made of.

    Args:
        database: of the service.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._version = version("tuner")

    def load(self) -> Mapping[str, tuple[str, StudyView]]:
        """Return the key and the view of each study by its name, as far as this version made them."""
        wanted = sqlalchemy.select(summaries).where(summaries.c.version == self._version)
        with self._database.begin() as connection:
            rows = connection.execute(wanted).all()
        return {row.study: (row.key, StudyView.model_validate_json(row.view)) for row in rows}

    def remove(self, study: str) -> None:
        """Remove the view of a study that is deleted."""
        with self._database.begin() as connection:
            connection.execute(summaries.delete().where(summaries.c.study == study))

    def save(self, key: str, view: StudyView) -> None:
        """Keep a view in place of an earlier one."""
        row = {"study": view.name, "version": self._version, "key": key, "view": view.model_dump_json()}
        with self._database.begin() as connection:
            connection.execute(summaries.delete().where(summaries.c.study == view.name))
            connection.execute(summaries.insert(), row)
