"""Webhooks of a user, and what was sent to them."""

from __future__ import annotations

import datetime
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlsplit

import sqlalchemy
from fastapi import APIRouter, Path, Response

from tuner.service.api.needs import CurrentServer, Member
from tuner.service.problems import Refused, responses
from tuner.service.schemas.webhook_shapes import DeliveryView, WebhookBody, WebhookView
from tuner.service.service_tables import deliveries, jobs, webhooks
from tuner.space.nested_kinds import Address

MOST = 20
"""Webhooks that a user may have."""

SHOWN = 100
"""Deliveries that are shown, the latest first."""

router = APIRouter(tags=["webhooks"])


@router.get("/webhooks", operation_id="list_webhooks", responses=responses(401, 403, 503))
def list_webhooks(server: CurrentServer, user: Member) -> list[WebhookView]:
    """Return your webhooks."""
    own = sqlalchemy.select(webhooks).where(webhooks.c.owner == user.name).order_by(webhooks.c.id)
    with server.database.begin() as connection:
        rows = connection.execute(own).all()
    return [WebhookView(id=row.id, url=row.url, on=row.events, signed=row.secret is not None) for row in rows]


@router.post("/webhooks", status_code=201, operation_id="add_webhook", responses=responses(401, 403, 409, 422, 503))
def add_webhook(body: WebhookBody, server: CurrentServer, user: Member) -> WebhookView:
    """Add a webhook that hears of your searches."""
    if not Address().takes(body.url):
        raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, f"url must be {Address().wording}")
    values = {"owner": user.name, "url": body.url, "events": sorted(set(body.on)), "secret": body.secret}
    own = sqlalchemy.select(sqlalchemy.func.count()).select_from(webhooks).where(webhooks.c.owner == user.name)
    with server.database.begin() as connection:
        if connection.execute(own).scalar_one() >= MOST:
            raise Refused(HTTPStatus.CONFLICT, f"{user.name} has {MOST} webhooks; remove one first")
        number = connection.execute(webhooks.insert().returning(webhooks.c.id), values).scalar_one()
    return WebhookView(id=number, url=body.url, on=sorted(set(body.on)), signed=body.secret is not None)


@router.delete(
    "/webhooks/{webhook}", status_code=204, operation_id="remove_webhook", responses=responses(401, 403, 404, 422, 503)
)
def remove_webhook(webhook: Annotated[int, Path(ge=1, le=2**31 - 1)], server: CurrentServer, user: Member) -> Response:
    """Remove a webhook of yours."""
    own = webhooks.delete().where(webhooks.c.id == webhook, webhooks.c.owner == user.name)
    with server.database.begin() as connection:
        if not connection.execute(own).rowcount:
            raise Refused(HTTPStatus.NOT_FOUND, f"{user.name} has no webhook {webhook}")
    return Response(status_code=204)


@router.get("/webhooks/deliveries", operation_id="list_deliveries", responses=responses(401, 403, 503))
def list_deliveries(server: CurrentServer, user: Member) -> list[DeliveryView]:
    """Return the last messages about your searches, the latest first."""
    own = (
        sqlalchemy.select(deliveries, jobs.c.study)
        .join(jobs, jobs.c.id == deliveries.c.job_id)
        .where(deliveries.c.owner == user.name)
        .order_by(deliveries.c.id.desc())
        .limit(SHOWN)
    )
    with server.database.begin() as connection:
        rows = connection.execute(own).all()
    return [
        DeliveryView(
            id=row.id,
            study=row.study,
            host=urlsplit(row.url).netloc,
            tries=row.tries,
            sent_at=_time(row.sent_at),
            next_at=_time(row.next_at),
            error=row.error or None,
        )
        for row in rows
    ]


def _time(seconds: float | None) -> datetime.datetime | None:
    return None if seconds is None else datetime.datetime.fromtimestamp(seconds, datetime.UTC)
