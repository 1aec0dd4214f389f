"""An idle server is small: it loads nothing that only a chart, a report or a training needs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

CODE = """
import json, sys

import psutil
from starlette.testclient import TestClient
from tuner.service.app import create_app
from tuner.service.server_options import ServerOptions

with TestClient(create_app(ServerOptions()), base_url="http://127.0.0.1") as client:
    client.get("/healthz").raise_for_status()
    client.get("/api/openapi.json").raise_for_status()
    heavy = {"torch", "torchvision", "sklearn", "pandas", "plotly", "PIL", "ray"} & sys.modules.keys()
    print(json.dumps([sorted(heavy), psutil.Process().memory_info().rss / 2**20]))
"""


def test_an_idle_server_is_small_and_loads_nothing_heavy(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", CODE], cwd=tmp_path, capture_output=True, text=True, check=True)

    heavy, megabytes = json.loads(ended.stdout)
    assert heavy == []
    assert megabytes < 150
