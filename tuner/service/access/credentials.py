"""Tokens: their text, and the digests that the database stores of them."""

from __future__ import annotations

import functools
import hashlib
import re
import secrets
from dataclasses import dataclass

import argon2

PREFIX = "tuner"
"""First part of every token, so that programs that look for leaked secrets find it."""

_TEXT = re.compile(rf"{PREFIX}_([0-9a-z]{{1,24}})_([\w-]{{16,128}})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Credential:
    """A token: the id under which it is stored, and its secret. Its text is `tuner_<id>_<secret>`."""

    id: str
    secret: str

    @classmethod
    def new(cls, number: str | None = None) -> Credential:
        """Return a new one with 256 random bits.

        Args:
            number: the id in place of a random one.
        """
        return cls(number or secrets.token_hex(6), secrets.token_urlsafe(32))

    @classmethod
    def read(cls, text: str) -> Credential | None:
        """Return the token of a text; None if the text is no token."""
        found = _TEXT.fullmatch(text)
        return None if found is None else cls(*found.groups())

    def __str__(self) -> str:
        return f"{PREFIX}_{self.id}_{self.secret}"

    def __repr__(self) -> str:
        return f"Credential({self.id})"  # no log has a secret


def digest(secret: str) -> str:
    """Return the digest to store of a secret."""
    return _hasher().hash(secret)


def fits(secret: str, stored: str | None) -> bool:
    """Return whether a secret has this digest. Without a digest it takes as long, and the answer is no."""
    try:
        _hasher().verify(_of_nobody() if stored is None else stored, secret)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False
    return stored is not None


def fingerprint(text: str) -> str:
    """Return a fast digest of a random text. Nobody can guess 256 random bits from it."""
    return hashlib.sha256(text.encode()).hexdigest()


@functools.cache
def _hasher() -> argon2.PasswordHasher:
    """Return argon2id with what OWASP recommends: 19 MiB, 2 passes, one thread."""
    return argon2.PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


@functools.cache
def _of_nobody() -> str:
    return digest(secrets.token_urlsafe(32))
