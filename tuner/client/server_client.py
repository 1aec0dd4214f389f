"""The client: what a server of tuner can do, for Python programs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import httpx

from tuner.client import uploads
from tuner.client.http_connection import PATIENCE_SECONDS, Connection, path, place_of
from tuner.client.login_file import Logins
from tuner.client.parcel import Parcel
from tuner.client.remote_model import RemoteModel
from tuner.client.remote_study import RemoteStudy, given
from tuner.client.sending import send_parcel
from tuner.errors import StudyError, UsageError
from tuner.service.schemas import CheckView, DatasetView, JobView, ModelView, StudyView
from tuner.service.schemas.user_shapes import MeView
from tuner.space.edit import Settings

if TYPE_CHECKING:
    from tuner.space import Space

SERVER, TOKEN = "TUNER_SERVER", "TUNER_TOKEN"
"""The environment's names for the address of a server and for a token."""


class Client:
    """A server of tuner. Threads may share a client, and `with` closes it.

    A request is repeated while the server is away or busy, for up to `patience` seconds. A write is done once however
    often it is sent.

    Args:
        url: the address, or the link that `tuner serve` prints. None is TUNER_SERVER, else the last `tuner login`.
        token: of the user. None is TUNER_TOKEN, else that of `tuner login`.
        patience: seconds for which a request is repeated.
        transport: of httpx, in place of the network.

    Raises:
        UsageError: no server is named.

    Example:
        with tuner.Client("http://127.0.0.1:8000") as client:
            study = client.submit("cnn.yaml", trials=50)
            study.wait()
            print(study.best_value, study.best_params)
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        patience: float = PATIENCE_SECONDS,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.url, found = _found(url, token)
        self.connection = Connection(self.url, found, transport, patience)
        """For requests that the client has no method for."""

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<client of {self.url}>"

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def submit(
        self,
        space: Space | str | Path,
        *,
        files: Iterable[str | Path] = (),
        settings: Settings = (),
        name: str | None = None,
        trials: int | None = None,
        timeout: float | str | None = None,
        epochs: int | None = None,
        seed: int | None = None,
        workers: int | Literal["auto"] | None = None,
        priority: int = 0,
        **options: Any,
    ) -> RemoteStudy:
        """Queue a study.

        User code that the space names is sent with it, and the files that this imports. So is a table beside the space.

        Args:
            space: a file, or a space that was read already.
            files: further files or folders, as paths from the folder of the space.
            settings: values in place of those of the space, by their paths.
            name: in place of `study.name`.
            trials: in place of `search.trials`, the study's total.
            timeout: in place of `search.timeout`: seconds, or text such as `10m`.
            epochs: in place of `training.epochs`.
            seed: in place of `study.seed`.
            workers: the number of workers, or `auto`.
            priority: from -9 to 9; higher priorities start first.
            options: further options of `tuner run`: `keep`, `threads`, `workers_per_gpu`, `device`, `fuse`,
                `deterministic`.

        Returns:
            The study.

        Raises:
            SpaceError: the faults of the space, all of them.
            UsageError: an argument is wrong, or the study can never fit the server.
            StudyError: there is a study of that name already.
        """
        named = given(name=name, trials=trials, timeout=timeout, epochs=epochs, seed=seed, workers=workers)
        parcel = Parcel.of(space, settings, files)
        answer = send_parcel(self.connection, "/studies", parcel, {**named, "priority": priority, **given(**options)})
        return RemoteStudy(self.connection, StudyView.model_validate(answer).name)

    def check(
        self, space: Space | str | Path, *, files: Iterable[str | Path] = (), settings: Settings = ()
    ) -> CheckView:
        """Check a space on the server without starting it.

        Args:
            space: as for `submit`, like all that follow.
            files: further files.
            settings: values in place of those of the space.

        Returns:
            What the space spans, its data and its first model. The objects of `tuner.check` stay on the server.

        Raises:
            SpaceError: the faults of the space, all of them.
        """
        answer = send_parcel(self.connection, "/check", Parcel.of(space, settings, files), {})
        return CheckView.model_validate(answer)

    def studies(self) -> list[StudyView]:
        """Return the studies of the server with their states, as its first page lists them."""
        return [StudyView.model_validate(each) for each in self.connection.items("/studies")]

    def study(self, name: str) -> RemoteStudy:
        """Return a study.

        Raises:
            StudyError: there is no study of that name.
        """
        self.connection.get(path("studies", name))
        return RemoteStudy(self.connection, name)

    def upload(
        self, folder: str | Path, name: str, seen: Callable[[int, int], None] = lambda sent, total: None
    ) -> DatasetView:
        """Upload a folder of data. Contents that the server has already are not sent again.

        Args:
            folder: with all folders in it; hidden files stay behind.
            name: what the server calls it; letters, digits, dots, hyphens and underscores.
            seen: is called again and again, with the bytes that are sent and those to send.

        Raises:
            UsageError: there is no such folder, it has no files, or the name is not allowed.
        """
        return uploads.upload(self.connection, Path(folder), name, seen)

    def jobs(self, *states: str) -> list[JobView]:
        """Return the jobs of all kinds, the latest first: searches, confirmations and final trainings.

        Args:
            states: only jobs in these states, such as `queued`.
        """
        return [JobView.model_validate(each) for each in self.connection.items("/jobs", state=list(states) or None)]

    def me(self) -> MeView:
        """Return the user whose token this is, with its role.

        Raises:
            AuthError: the token is wrong, expired or revoked.
        """
        return MeView.model_validate(self.connection.get("/me"))

    def page_of(self, study: str) -> str:
        """Return the address of a study's page."""
        return f"{self.url}{path('studies', study)}"

    def models(self) -> list[RemoteModel]:
        """Return the final models of the server, the latest first."""
        found = self.connection.items("/models")
        return [RemoteModel(self.connection, ModelView.model_validate(each)) for each in found]

    def model(self, id_: int) -> RemoteModel:
        """Return a final model.

        Raises:
            StudyError: there is no model of that number.
        """
        try:
            facts = self.connection.get(path("models", id_))
        except StudyError:
            raise StudyError(f"there is no model {id_} at {self.url}") from None
        return RemoteModel(self.connection, ModelView.model_validate(facts))


def _found(url: str | None, token: str | None) -> tuple[str, str | None]:
    """Return the address of the server and the token, from the arguments, the environment or the logins."""
    logins = Logins.read()
    named = url or os.environ.get(SERVER) or logins.default
    if not named:
        raise UsageError(f"name a server: tuner.Client(url), {SERVER}, or `tuner login URL`")
    address, of_link = place_of(named)
    return address, token or of_link or os.environ.get(TOKEN) or logins.tokens.get(address)
