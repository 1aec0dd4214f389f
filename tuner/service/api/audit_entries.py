"""`/audit`: who changed what, for admins."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from tuner.service.api.needs import Admin, CurrentServer
from tuner.service.problems import responses
from tuner.service.schemas import Page
from tuner.service.schemas.user_shapes import AuditView
from tuner.service.views.moments import moment

router = APIRouter(tags=["users"])


@router.get("/audit", response_model=Page[AuditView], operation_id="audit", responses=responses(422))
def audit(
    user: Admin,
    server: CurrentServer,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[int | None, Query(ge=1, le=2**62, description="`next` of the page before.")] = None,
    actor: Annotated[str | None, Query(max_length=200, description="Only what this user did.")] = None,
) -> Page[AuditView]:
    """Return the audit log, the newest entries first."""
    found = server.audit.entries(limit, cursor, actor)
    items = [
        AuditView(
            id=entry.id,
            at=moment(entry.at),
            actor=entry.actor,
            action=entry.action,
            status=entry.status,
            address=entry.address,
        )
        for entry in found
    ]
    following = str(found[-1].id) if len(found) == limit else None
    return Page(items=items, next=following, total=server.audit.count(actor))
