"""Random requests to every route of `tuner serve`, made from its OpenAPI document: none may fail inside, none may hang.

    python -m benchmarks.fuzz_service --calls 10000

Half of the requests fit the document, and half do not. They go to a server in a process of its own, first without a
login and then as an admin. Names of studies are often those of studies that are there. It prints the answers of each
route by status, and each fault with its request. Without a fault the exit code is 0.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import json
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hypothesis
import schemathesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from schemathesis import GenerationMode

STUDY = "walk"
SPACE = f"""\
study: {{name: {STUDY}}}
search: {{trials: 6, pruner: null}}
objective: {{function: own.py:walk, metric: loss}}
model: {{x: {{float: [0, 1]}}}}
"""
REMOTE_STUDY = "far"
REMOTE = f"""\
study: {{name: {REMOTE_STUDY}}}
search: {{trials: 1000, pruner: null}}
objective: {{remote: true, metric: error, direction: minimize}}
rate: {{float: [1e-3, 1], log: true}}
"""
OWN = "def walk(config, report):\n    return {'loss': config['model']['x']}\n"

LONGEST_SECONDS = 30.0
"""Seconds after which a request hangs. A check of a space that loads torch takes several."""

ENDLESS = "text/event-stream"
"""Content of routes whose answers do not end; they are left out."""

KNOWN = {"number": 0, "id": 1}
"""Parameters that often name what is there, beside the names of studies."""


@dataclass
class Told:
    """What the server answered: the number of answers by route and status, and the faults."""

    answers: dict[str, collections.Counter[str]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    @property
    def calls(self) -> int:
        """The number of requests."""
        return sum(counts.total() for counts in self.answers.values())

    def note(self, route: str, answer: str) -> None:
        """Count an answer."""
        self.answers.setdefault(route, collections.Counter())[answer] += 1


def fuzz(address: str, token: str | None, calls: int, seed: int = 0) -> Told:
    """Send random requests.

    Args:
        address: of the server.
        token: of the user; None sends none.
        calls: how many at least, divided among the routes.
        seed: of the requests.
    """
    with urllib.request.urlopen(f"{address}/api/openapi.json") as answer:
        document = json.load(answer)
    routes = [
        (method, path)
        for path, methods in document["paths"].items()
        for method, facts in methods.items()
        if not any(ENDLESS in each.get("content", {}) for each in facts["responses"].values())
    ]
    routes.sort(key=lambda route: route[0] == "delete")  # last, or nothing would be left
    schema = schemathesis.openapi.from_dict(document)
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    told = Told()
    for method, path in routes:
        for mode in GenerationMode:
            each = max(1, -(-calls // (2 * len(routes))))
            _fuzz_route(schema[path][method], mode, address, headers, each, seed, told)
    return told


def _fuzz_route(
    route: Any, mode: GenerationMode, address: str, headers: Mapping[str, str], calls: int, seed: int, told: Told
) -> None:
    """Send requests to one route; those that cannot be sent are drawn again."""
    name = f"{route.method.upper()} {route.path}"

    def send(case: Any, study: str | None) -> None:
        if study is not None and isinstance(case.path_parameters, dict):
            known = {**KNOWN, "name": study}
            case.path_parameters |= {key: known[key] for key in case.path_parameters.keys() & known.keys()}
        began = time.monotonic()
        try:
            answer = case.call(base_url=address, headers=dict(headers), timeout=LONGEST_SECONDS)
        except Exception as error:  # of the library that sends: the server closed, or the request cannot be sent
            told.note(name, type(error).__name__)
            if time.monotonic() - began >= LONGEST_SECONDS or "Connection" in type(error).__name__:
                told.faults.append(f"{name}: {type(error).__name__}: {error}: {case.as_curl_command()}")
            return
        told.note(name, str(answer.status_code))
        if answer.status_code >= 500 and answer.status_code != 503:
            told.faults.append(f"{name}: {answer.status_code}: {case.as_curl_command()}: {answer.text[:300]}")

    try:
        strategy = route.as_strategy(generation_mode=mode)
        _drawn(strategy, send, calls, seed)
    except (hypothesis.errors.Unsatisfiable, hypothesis.errors.InvalidArgument):
        told.note(name, f"no {mode.value} request")  # a route without parameters takes anything


def _drawn(strategy: Any, send: Callable[[Any, str | None], None], calls: int, seed: int) -> None:
    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=calls,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(strategy, st.sampled_from([None, STUDY, REMOTE_STUDY]))
    def draw(case: Any, study: str | None) -> None:
        send(case, study)

    draw()


@contextlib.contextmanager
def served(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the address of a server with two studies, one for remote workers, and the token of an admin."""
    (folder / "walk.yaml").write_text(SPACE)
    (folder / "own.py").write_text(OWN)
    _tuner(folder, "run", "walk.yaml", "--quiet")
    token = _tuner(folder, "users", "add", "admin", "--role", "admin").strip()
    log = folder / "server.log"
    with log.open("w") as printed:
        command = [sys.executable, "-m", "tuner", "serve", "--port", "0", "--cpus", "1", "--gpus", "0"]
        server = subprocess.Popen(command, cwd=folder, stdout=printed, stderr=printed)
    try:
        while (found := re.search(r"http://[\d.:]+", log.read_text())) is None:
            if server.poll() is not None:
                raise SystemExit(log.read_text())
            time.sleep(0.1)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        body = json.dumps({"space": REMOTE}).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{found[0]}/api/v1/studies", body, headers)):
            yield found[0], token
    finally:
        server.terminate()
        server.wait(60)


def _tuner(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "tuner", *arguments]
    return subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True).stdout


def main() -> None:
    """Send the requests and print what came."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as (address, token):
        for name, given in (("without a login", None), ("as an admin", token)):
            told = fuzz(address, given, asked.calls // 2, asked.seed)
            print(f"\n{told.calls} requests {name}, {len(told.faults)} faults")
            for route, counts in told.answers.items():
                print(f"  {route:60} {', '.join(f'{count}x {status}' for status, count in sorted(counts.items()))}")
            faults += told.faults
        errors = [line for line in (Path(folder) / "server.log").read_text().splitlines() if "Traceback" in line]
        print(f"\n{len(errors)} tracebacks in the log of the server")
        if errors:
            print((Path(folder) / "server.log").read_text()[-20_000:])
    print("\n".join(faults))
    raise SystemExit(1 if faults or errors else 0)


if __name__ == "__main__":
    main()
