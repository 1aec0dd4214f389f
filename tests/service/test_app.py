"""The document of the API."""

from __future__ import annotations

from tuner.service.app import create_app
from tuner.service.server_options import ServerOptions


def test_the_titles_of_routes_are_their_first_sentences() -> None:
    paths = create_app(ServerOptions()).openapi()["paths"]

    assert paths["/api/v1/studies/{name}"]["get"]["summary"] == "Return a study with everything but its trials"
    assert (
        paths["/api/v1/studies/{name}/resume"]["post"]["summary"]
        == "Queue the search of a study again, up to its total"
    )


def test_a_file_to_be_predicted_has_one_field() -> None:
    operation = create_app(ServerOptions()).openapi()["paths"]["/api/v1/models/{id}/predict"]["post"]

    form = operation["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["required"] == list(form["properties"]) == ["file"]
