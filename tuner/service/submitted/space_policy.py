"""What a submitted space may name: files beside it and data on the server. And whose code may run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tuner.config import CODE_VALUES, FILE_VALUES
from tuner.errors import Fault, SpaceError, UsageError
from tuner.runtime.user_code import is_own
from tuner.service.access.roles import Principal, Role
from tuner.service.server_options import CodePolicy
from tuner.settings import Webhook
from tuner.space import Space
from tuner.space.tree import Choice, Fixed, Group, Items, Repeat, Tree, join

_FILES = {(path.split(".")[0], path.split(".")[1]) for path in FILE_VALUES}
_CODE = {(path.split(".")[0], path.split(".")[-1]) for path in CODE_VALUES}
_WARM_START = "search.warm_start"

SECRETS = "TUNER_WEBHOOK_"
"""How the names of variables begin that may sign messages: other secrets of the server could be guessed by them."""


@dataclass(frozen=True, slots=True)
class SpacePolicy:
    """What the spaces of a server may name.

    Attributes:
        code: whose code may run.
        data_root: the folder below which data may be named; None is no folder.
        uploads: the folder of uploaded data.
    """

    code: CodePolicy
    data_root: Path | None
    uploads: Path

    def may_run_code(self, user: Principal) -> bool:
        """Return whether the code of a user may run."""
        match self.code:
            case CodePolicy.MEMBERS:
                return user.role >= Role.MEMBER
            case CodePolicy.ADMINS:
                return user.role >= Role.ADMIN
            case CodePolicy.NOBODY:
                return False

    def check(self, space: Space, user: Principal, files: Sequence[str]) -> None:
        """Refuse a space that names what it may not.

        Args:
            space: its `base` is the folder of the submitted files.
            user: who submits it.
            files: the paths of the files beside it.

        Raises:
            SpaceError: with the place of each fault.
        """
        found = [*self._faults(space, user), *_faults_of_webhooks(space)]
        if not found and not self.may_run_code(user) and (code := [path for path in files if path.endswith(".py")]):
            found = [Fault(None, "files", f"{code[0]}: {self._refusal}")]
        if found:
            raise space.given.retold(SpaceError(space.file, found), space.text)

    def refusal_of_code(self, space: Space) -> str:
        """Return why a space whose owner may not run code is refused; empty if it names none."""
        for path, leaf in _leaves(space.tree, ""):
            value = leaf.value
            if _is_code(path) and isinstance(value, str) and is_own(value):
                return f"{path}: {value}: {self._refusal}"
        return ""

    @property
    def _refusal(self) -> str:
        match self.code:
            case CodePolicy.MEMBERS:
                who = "only members and admins may run code of their own"
            case CodePolicy.ADMINS:
                who = "only admins may run code of their own"
            case CodePolicy.NOBODY:
                who = "no submitted code may run"
        return f"{who} on this server (--code {self.code.value}); use built-in classes"

    def _faults(self, space: Space, user: Principal) -> Iterator[Fault]:
        base = Path(space.base).resolve()
        for path, leaf in _leaves(space.tree, ""):
            parts, value = path.split("."), leaf.value
            if not isinstance(value, str):
                continue
            ends = parts[0], parts[-1]
            if ends in _FILES and not self._is_allowed(base, value):
                yield Fault(leaf.place, path, self._outside(value))
            elif _is_code(path) and is_own(value):
                if not self.may_run_code(user):
                    yield Fault(leaf.place, path, f"{value}: {self._refusal}")
                elif (file := value.rpartition(":")[0]).endswith(".py") and not _is_below(base, base / file):
                    message = f"{file}: lies outside of the submitted files; submit it with the space"
                    yield Fault(leaf.place, path, message)
            elif path == f"{_WARM_START}.storage":
                yield Fault(leaf.place, path, "another database cannot be named here; use a study of this server")
            elif path == f"{_WARM_START}.file" and not _is_below(base, base / value):
                yield Fault(leaf.place, path, f"{value}: lies outside of the submitted files; submit it with the space")

    def _is_allowed(self, base: Path, value: str) -> bool:
        roots = [base, self.uploads.resolve(), *([self.data_root.resolve()] if self.data_root is not None else [])]
        return any(_is_below(root, base / value) for root in roots)

    def _outside(self, value: str) -> str:
        there = (
            "upload the data" if self.data_root is None else f"name a path below {self.data_root}, or upload the data"
        )
        return f"{value}: lies outside of the submitted files; {there}"


def _is_code(path: str) -> bool:
    parts = path.split(".")
    return (parts[0], parts[-1]) in _CODE


def refuse_secret(webhook: Webhook) -> None:
    """Refuse a webhook whose secret is another variable of the server, which only the server may use.

    Raises:
        UsageError: it is.
    """
    name = webhook.secret_env
    if name is not None and not name.startswith(SECRETS):
        raise UsageError(f"secret_env: {name} does not begin with {SECRETS}; a service signs with no other variable")


def _faults_of_webhooks(space: Space) -> Iterator[Fault]:
    for webhook in space.study.notify:
        try:
            refuse_secret(webhook)
        except UsageError as error:
            yield Fault(None, "study.notify", str(error))


def _is_below(root: Path, path: Path) -> bool:
    try:
        return path.resolve().is_relative_to(root)
    except (OSError, ValueError, RuntimeError):  # a path with a null byte, or a loop of links
        return False


def _leaves(tree: Tree, path: str) -> Iterator[tuple[str, Fixed]]:
    """Yield each fixed value with its path, those of all branches included."""
    match tree:
        case Fixed():
            yield path, tree
        case Choice(branches):
            for branch in branches:
                inside = path if isinstance(branch.tree, Fixed) else join(path, branch.label)
                yield from _leaves(branch.tree, inside)
        case Group(entries):
            for key, entry in entries.items():
                yield from _leaves(entry, join(path, key))
        case Items(items):
            for i, item in enumerate(items):
                yield from _leaves(item, join(path, i))
        case Repeat(element):
            yield from _leaves(element, path)
        case _:
            return
