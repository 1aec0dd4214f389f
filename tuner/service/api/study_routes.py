"""The routes of studies, trials and models, in the order of the API's description."""

from __future__ import annotations

from tuner.service.api import outputs, studies, submitting, trials

ROUTERS = (studies.router, submitting.router, trials.router, outputs.router)
