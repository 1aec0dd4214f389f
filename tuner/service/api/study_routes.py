"""The routes of studies, trials and models, in the order of the API's description."""

from __future__ import annotations

from tuner.service.api import (
    dataset_routes,
    event_stream,
    final_models,
    job_routes,
    outputs,
    studies,
    study_actions,
    submitting,
    trials,
)

ROUTERS = (
    studies.router,
    submitting.router,
    study_actions.router,
    trials.router,
    outputs.router,
    event_stream.router,
    final_models.router,
    job_routes.router,
    dataset_routes.router,
)
