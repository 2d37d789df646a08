"""A studio on a free port, in a thread of the test's own process, and ways to ask it."""

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pytest
import uvicorn

from pain3d.gltf import morphs
from pain3d.studio.serve import listen
from pain3d.studio.server import application

PLAIN = "skin=procedural&hair=cap&wrinkles=0&wet=0"
"""The quickest looks."""


def without_long_probing(patch: pytest.MonkeyPatch) -> None:
    """Let exports measure their deviation on a few faces only: tests/gltf holds it against all."""
    every = morphs._probes
    patch.setattr(morphs, "_probes", lambda: islice(every(), 3))


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    content: bytes

    def json(self):
        return json.loads(self.content)


@dataclass(frozen=True)
class Running:
    address: str

    def ask(self, path: str, *, method: str = "GET", **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.address + path, method=method, headers=named)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return Answer(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as refused:
            with refused:
                return Answer(refused.code, dict(refused.headers), refused.read())


@contextmanager
def running(page: Path) -> Iterator[Running]:
    listening = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(application(page, warm=False), log_level="warning", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield Running(f"http://127.0.0.1:{listening.getsockname()[1]}/")
    finally:
        server.should_exit = True
        thread.join()
        listening.close()
