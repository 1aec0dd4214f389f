"""Webhooks of a user: addresses that hear of the ends and best trials of the user's searches."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import Field

from tuner.service.schemas.shape import Answer, Body, Moment

On: TypeAlias = Literal["done", "failed", "best"]


class WebhookBody(Body):
    """A new webhook."""

    url: str = Field(max_length=2000)
    """The address that gets a POST with JSON, as Slack takes it."""
    on: list[On] = Field(["done", "failed"], min_length=1, max_length=3)
    """When: a search is done, it failed, or a trial is the best so far."""
    secret: str | None = Field(default=None, min_length=1, max_length=200)
    """Signs the messages. No answer has it."""


class WebhookView(Answer):
    """A webhook."""

    id: int
    url: str
    on: list[On]
    signed: bool
    """Whether a secret signs the messages."""


class DeliveryView(Answer):
    """A message to a webhook, of one's own or of a space."""

    id: int
    study: str
    host: str
    """The receiver. The path of an address is often a secret."""
    tries: int
    sent_at: Moment | None
    next_at: Moment | None
    """The time of the next try; null if it was sent or given up."""
    error: str | None
    """Why the last try failed."""
