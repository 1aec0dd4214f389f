"""A final model of a server: its scores, its files, and predictions for new rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from tuner.client.http_connection import Connection, path
from tuner.client.waiting import wait_for
from tuner.errors import ServerError, UsageError
from tuner.runtime.files import new_folder, refuse_to_replace
from tuner.service.queue.lifecycle import JobState
from tuner.service.schemas import ModelView, PredictionView

if TYPE_CHECKING:
    import numpy as np
    from pandas import DataFrame

    Rows: TypeAlias = DataFrame | np.ndarray | Sequence[Mapping[str, Any]] | Sequence[Sequence[float]] | Sequence[str]

MARKS = ("config.yaml", "metrics.json")
"""Files of a run folder, by which it is known."""


class RemoteModel:
    """A final model that the server trains or has trained.

    Args:
        connection: to the server.
        view: as the server described it last.
    """

    def __init__(self, connection: Connection, view: ModelView) -> None:
        self._connection = connection
        self.view = view

    def __repr__(self) -> str:
        return f"<model {self.view.id} of study {self.view.study} at {self._connection.url}: {self.view.state}>"

    @property
    def id(self) -> int:
        """Its number on the server."""
        return self.view.id

    @property
    def state(self) -> JobState:
        """The state of its training, asked for anew."""
        self._look()
        return JobState(self.view.state)

    @property
    def metrics(self) -> Mapping[str, float | None]:
        """The scores by name: those of the test rows, else those of the validation rows; empty before the end."""
        self._look()
        test = {score.name: score.value for score in self.view.scores if score.split == "test"}
        return test or {score.name: score.value for score in self.view.scores}

    def wait(self, timeout: float | None = None) -> RemoteModel:
        """Wait until it is trained.

        Args:
            timeout: the seconds to wait; None is no limit.

        Returns:
            The model itself.

        Raises:
            TimeoutError: it is not trained in time.
            ServerError: its training failed, with the reason, or was cancelled.
        """
        state = wait_for(lambda: self.state, f"model {self.id}", timeout)
        if state is not JobState.DONE:
            reason = f": {self.view.reason}" if self.view.reason else ""
            raise ServerError(f"model {self.id} of study {self.view.study} is {state.value}{reason}")
        return self

    def cancel(self, reason: str = "") -> None:
        """End its training for good; the other jobs of the study go on."""
        self._connection.post(f"{path('jobs', self.id)}/cancel", {"reason": reason})

    def delete(self) -> None:
        """Delete the model and its files from the server. What was downloaded stays.

        Raises:
            StudyError: it is being trained.
        """
        self._connection.request("DELETE", path("models", self.id))

    def download(self, folder: str | Path, *, overwrite: bool = False) -> Path:
        """Write its files into a new folder, from which `tuner.load_model` reads it.

        Args:
            folder: the folder, which is there when it is whole.
            overwrite: whether a run folder that is there may be replaced.

        Returns:
            The folder.

        Raises:
            UsageError: the folder may not be replaced, or the model is not trained.
        """
        target = Path(folder)
        if target.exists() and not overwrite:
            raise UsageError(f"{target}: is there already; name another folder, or set overwrite=True")
        refuse_to_replace(target, overwrite, MARKS)
        if self.state is not JobState.DONE:
            raise UsageError(f"model {self.id} is {self.view.state}: wait until it is done")
        target.absolute().parent.mkdir(parents=True, exist_ok=True)
        with new_folder(target) as made:
            for file in self.view.files:
                place = _inside(made, file.path)
                place.parent.mkdir(parents=True, exist_ok=True)
                self._connection.download(path("models", self.id, "files") + path(*file.path.split("/")), place)
        return target

    def predict(self, rows: Rows | str | Path | Sequence[Path]) -> DataFrame:
        """Return the predictions for new rows, as `tuner.predict` does.

        Args:
            rows: a table, or a mapping of columns for each row. For a model of texts, a list of texts. For one of
                numbers, an array (N, features) or lists of numbers. A path names a CSV file, a JSON-lines file, an
                image or a folder of images. A list of paths names several. Images do not travel as arrays.

        Raises:
            UsageError: there is no such file, or the rows do not fit the model.
        """
        import pandas as pd

        if (files := _files_of(rows)) is not None:
            sent = [{"files": {"file": (file.name, file.read_bytes())}} for file in files]
            return pd.concat([self._predicted(**each) for each in sent], ignore_index=True)
        return self._predicted(json={"rows": _plain(rows)})

    def _predicted(self, **sent: Any) -> DataFrame:
        import pandas as pd

        answer = self._connection.request("POST", path("models", self.id, "predict"), **sent).json()
        found = PredictionView.model_validate(answer)
        return pd.DataFrame(found.rows, columns=found.columns)

    def _look(self) -> None:
        self.view = ModelView.model_validate(self._connection.get(path("models", self.id)))


def _plain(rows: Any) -> list[Any]:
    """Return rows as JSON has them."""
    import numpy as np
    import pandas as pd

    plain: list[Any]
    if isinstance(rows, pd.DataFrame):
        plain = rows.to_dict("records")
    else:
        plain = rows.tolist() if isinstance(rows, np.ndarray) else list(rows)
    return plain


def _files_of(rows: object) -> list[Path] | None:
    """Return the files that paths name, those of a folder by name; None for rows that are no paths.

    Raises:
        UsageError: one is not there, or a folder has no file.
    """
    if isinstance(rows, str | Path):
        return _files_at(Path(rows))
    if isinstance(rows, Sequence) and rows and all(isinstance(each, Path) for each in rows):
        return [file for each in rows for file in _files_at(each)]
    return None


def _files_at(place: Path) -> list[Path]:
    found = [place] if place.is_file() else sorted(each for each in place.glob("[!.]*") if each.is_file())
    if not found:
        raise UsageError(f"{place}: there is no such file, and no folder with files")
    return found


def _inside(folder: Path, name: str) -> Path:
    """Return the place of a file in a folder.

    Raises:
        ServerError: the server names a place outside of it.
    """
    place = (folder / name).resolve()
    if not place.is_relative_to(folder.resolve()):
        raise ServerError(f"the server names a file outside of the model's folder: {name}")
    return place
