"""`tuner users`: who may use `tuner serve`, and with which tokens."""

from __future__ import annotations

import enum
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from tuner.cli import help_text, options
from tuner.cli.extras import need_serve
from tuner.cli.views.wrapping import say
from tuner.config import DEFAULT_STORAGE

if TYPE_CHECKING:
    from rich.table import Table

    from tuner.service.access.accounts import Accounts

DAY = 86_400.0


class RoleOption(enum.Enum):
    """What a user may do."""

    VIEWER = "viewer"
    MEMBER = "member"
    ADMIN = "admin"


Name: TypeAlias = Annotated[str, typer.Argument(metavar="NAME", help="The user's name.")]
Role: TypeAlias = Annotated[
    RoleOption,
    typer.Option(help="viewer reads; member submits, and changes what is theirs; admin does everything."),
]
NewRole: TypeAlias = Annotated[RoleOption, typer.Argument(metavar="ROLE", help="viewer, member or admin.")]
Expires: TypeAlias = Annotated[
    str | None, typer.Option(metavar="TIME", help="Life of the token, such as 90d; by default it has no end.")
]

users = typer.Typer(
    name="users",
    help="Add and remove the users of `tuner serve`, and their tokens.",
    no_args_is_help=True,
    cls=help_text.Subgroup,
)


def add(
    name: Name,
    role: Role = RoleOption.MEMBER,
    expires: Expires = None,
    storage: options.Storage = DEFAULT_STORAGE,
) -> None:
    """Add a user, and print their token. It is shown this once.

    The first user must be an admin. A running server accepts it at once.

    Example: tuner users add ann --role admin
    """
    from tuner.service.access.roles import Role
    from tuner.service.views.moments import end_of

    expires_at = end_of(expires, time.time())
    accounts = _accounts(storage, create=True)
    accounts.refuse_first(Role.named(role.value))
    accounts.add(name, Role.named(role.value))
    new, _ = accounts.issue(name, "first", expires_at)
    _note(storage, 201, "add", name, "--role", role.value)
    typer.echo(new)
    say(f"This is the token of {name}, shown once. They log in with it on the page or by `tuner login`.", err=True)


def list_(storage: options.Storage = DEFAULT_STORAGE) -> None:
    """List the users and their tokens, without the secrets.

    Example: tuner users list
    """
    from rich.table import Table

    from tuner.cli.views.widgets import stdout

    accounts = _accounts(storage)
    known = accounts.users()
    if not known:
        say("There are no users. `tuner serve` is open to whoever has its printed link.")
        return
    table = Table("user", "role", "token", "label", "expires", "used", box=None, pad_edge=False, header_style="dim")
    for user in known:
        _add_rows(table, accounts, user.name, user.role.name.lower())
    stdout().print(table)


def remove(name: Name, storage: options.Storage = DEFAULT_STORAGE) -> None:
    """Remove a user with all tokens and logins, within seconds. Studies stay theirs.

    Example: tuner users remove ann
    """
    _accounts(storage).remove(name)
    _note(storage, 204, "remove", name)
    say(f"user {name} is removed; a running server refuses their tokens within seconds")


def role(name: Name, role: NewRole, storage: options.Storage = DEFAULT_STORAGE) -> None:
    """Give a user another role.

    Example: tuner users role ann admin
    """
    from tuner.service.access.roles import Role

    _accounts(storage).change_role(name, Role.named(role.value))
    _note(storage, 200, "role", name, role.value)
    say(f"user {name} is now: {role.value}")


def token(
    name: Name,
    label: Annotated[str, typer.Option(metavar="TEXT", help="What it is for, such as laptop.")] = "",
    expires: Expires = None,
    storage: options.Storage = DEFAULT_STORAGE,
) -> None:
    """Print another token of a user. It is shown this once.

    Example: tuner users token ann --label laptop --expires 90d
    """
    from tuner.service.views.moments import end_of

    new, _ = _accounts(storage).issue(name, label, end_of(expires, time.time()))
    _note(storage, 201, "token", name)
    typer.echo(new)


def revoke(
    token: Annotated[str, typer.Argument(metavar="ID", help="The token's id, as `tuner users list` shows it.")],
    storage: options.Storage = DEFAULT_STORAGE,
) -> None:
    """Revoke a token, and end the logins that began with it.

    Example: tuner users revoke 14296636420c
    """
    accounts = _accounts(storage)
    owner = accounts.owner_of(token)
    accounts.revoke(token)
    _note(storage, 204, "revoke", token)
    say(f"token {token} of {owner} is revoked; a running server refuses it within seconds")


ACTIONS: dict[str, Callable[..., object]] = {
    "add": add,
    "list": list_,
    "remove": remove,
    "role": role,
    "token": token,
    "revoke": revoke,
}
for _name, _function in ACTIONS.items():
    users.command(_name, cls=help_text.Command, help=help_text.help_of(_function))(_function)


def _accounts(storage: str, create: bool = False) -> Accounts:
    """Return the users of a database; `create` makes it where there is none."""
    need_serve("tuner users")
    from tuner.service.access.accounts import Accounts
    from tuner.service.database import Database
    from tuner.storage import open_storage

    if not create:
        open_storage(storage)
    database = Database(storage)
    if not database.is_current:
        database.upgrade()
    return Accounts(database)


def _note(storage: str, status: int, *words: str) -> None:
    """Store a change in the audit log. Its actor is the account of this machine, which no user's name can be.

    `status` is that of the same change over HTTP.
    """
    from tuner.service.access.audit_log import AuditLog
    from tuner.service.database import Database
    from tuner.storage.requests import this_user

    account, _, host = this_user().rpartition("@")
    AuditLog(Database(storage)).note(f"{account} (terminal)", " ".join(("tuner users", *words)), status, host)


def _add_rows(table: Table, accounts: Accounts, name: str, role: str) -> None:
    """Add a row for each token of a user, or one without any."""
    now = time.time()
    first = (name, role)
    for stored in accounts.tokens(name):
        ends = "never" if stored.expires_at is None else _days(stored.expires_at - now, "expired")
        used = "never" if stored.used_at is None else _day(stored.used_at)
        table.add_row(*first, stored.id, stored.label, ends, used)
        first = ("", "")
    if all(first):
        table.add_row(*first, "none", "", "", "")


def _days(seconds: float, over: str) -> str:
    return over if seconds <= 0 else f"in {seconds / DAY:.0f} d" if seconds >= DAY else f"in {seconds / 3600:.0f} h"


def _day(at: float) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(at))
