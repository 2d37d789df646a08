"""The web application: addresses to calls of the bench, errors to words. It holds no state of any visitor."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from pain3d.errors import ArgumentError, DataError, UserError
from pain3d.face import makehuman
from pain3d.studio.asked import asked
from pain3d.studio.bench import FACE, SKIN_MAPS, Bench, plain
from pain3d.studio.guard import Guard
from pain3d.studio.guide import guide
from pain3d.studio.person import person, place, played, wall
from pain3d.synth.sitter import Sitter

Made = TypeVar("Made")
_LOOK_EVERY_S = 0.25
"""How often it is asked whether a visitor still waits."""


def application(page: Path, *, host: str = "127.0.0.1", warm: bool = True) -> Starlette:
    """The studio as an ASGI application.

    Args:
        page: folder of the built page.
        host: the name that the server listens on.
        warm: make at the start what the first visitor would wait for.
    """
    studio = _Studio()

    @contextlib.asynccontextmanager
    async def life(_: Starlette) -> AsyncIterator[None]:
        makehuman.load()  # once, before two threads ask for it
        if warm:
            studio.begin(studio.bench.warm_up)
        yield
        studio.close()

    return Starlette(
        routes=[*studio.routes(), Mount("/", StaticFiles(directory=page, html=True))],
        middleware=[Middleware(Guard, host=host)],
        exception_handlers={UserError: _refused, HTTPException: _not_found, Exception: _defect},
        lifespan=life,
    )


class _Studio:
    """One bench, and the one thread that works at it; another one says what is quick to say meanwhile."""

    def __init__(self) -> None:
        self.bench = Bench()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="studio")
        self._teller = ThreadPoolExecutor(max_workers=1, thread_name_prefix="teller")
        self._pictures: Mapping[str, tuple[str, Callable[[Sitter], bytes]]] = {
            "head.glb": ("model/gltf-binary", self.bench.head),
            "render.png": ("image/png", lambda sitter: self.bench.face(sitter, "image")),
            "heatmap.jpg": ("image/jpeg", self.bench.heat),
            "attention.jpg": ("image/jpeg", self.bench.attention),
        }
        self._exports: Mapping[str, tuple[str, str, Callable[[Sitter], bytes]]] = {
            "png": (FACE.name, "image/png", lambda sitter: self.bench.face(sitter, "image")),
            "heatmap": ("face.heatmap.png", "image/png", lambda sitter: self.bench.face(sitter, "heatmap")),
            "segmentation": (
                "face.segmentation.png",
                "image/png",
                lambda sitter: self.bench.face(sitter, "segmentation"),
            ),
            "json": ("face.json", "application/json", lambda sitter: self.bench.face(sitter, "labels")),
            "glb": ("head.glb", "model/gltf-binary", self.bench.glb),
        }

    def begin(self, work: Callable[[], object]) -> None:
        """Put work in front of all that is still to come."""
        self._worker.submit(work)

    def close(self) -> None:
        """Stop when what is being made is done."""
        for each in (self._worker, self._teller):
            each.shutdown(cancel_futures=True)

    def routes(self) -> list[Route]:
        """Addresses; all are read with GET, and change nothing."""
        return [
            Route("/api/guide", self._guide),
            Route("/api/person", self._person),
            Route("/api/place", self._place),
            Route("/api/wall.jpg", self._wall),
            Route("/api/timeline", self._timeline),
            Route("/api/measured", self._measured),
            Route("/api/reading", self._reading),
            Route("/api/skin/{name}", self._skin),
            Route("/api/export/{kind}", self._export),
            Route("/api/{name}", self._picture),
        ]

    async def _guide(self, _: Request) -> Response:
        return JSONResponse(guide())

    async def _person(self, request: Request) -> Response:
        return JSONResponse(await self._told(request, person))

    async def _place(self, request: Request) -> Response:
        return JSONResponse(await self._told(request, place))

    async def _wall(self, request: Request) -> Response:
        return Response(await self._told(request, wall), media_type="image/jpeg")

    async def _timeline(self, request: Request) -> Response:
        own = {"seconds": "4", "take": "0"} | {name: request.query_params[name] for name in _CLIP & _names(request)}
        try:
            seconds, take = float(own["seconds"]), int(own["take"])
        except ValueError:
            raise ArgumentError(
                f"seconds: {own['seconds'][:40]!r} or take: {own['take'][:40]!r} is no number; write for example "
                f"seconds=4&take=0"
            ) from None
        return JSONResponse(await self._told(request, lambda sitter: _played(sitter, seconds, take)))

    async def _measured(self, request: Request) -> Response:
        return Response(
            await self._made(request, lambda _: self.bench.measured()), media_type="application/octet-stream"
        )

    async def _reading(self, request: Request) -> Response:
        def read(sitter: Sitter) -> dict[str, Any]:
            return plain(self.bench.reading(sitter), sitter.expression.pspi)

        return JSONResponse(await self._made(request, read))

    async def _skin(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in SKIN_MAPS:
            raise HTTPException(404)
        kind = "image/jpeg" if name == "colour" else "image/png"
        return Response(await self._made(request, lambda sitter: self.bench.skin(sitter, name)), media_type=kind)

    async def _export(self, request: Request) -> Response:
        if request.path_params["kind"] not in self._exports:
            raise HTTPException(404)
        name, kind, make = self._exports[request.path_params["kind"]]
        content = await self._made(request, make)
        return Response(content, media_type=kind, headers={"content-disposition": f'attachment; filename="{name}"'})

    async def _picture(self, request: Request) -> Response:
        if request.path_params["name"] not in self._pictures:
            raise HTTPException(404)
        kind, make = self._pictures[request.path_params["name"]]
        return Response(await self._made(request, make), media_type=kind)

    async def _made(self, request: Request, make: Callable[[Sitter], Made]) -> Made:
        """What is made of the request's words, once the worker comes to it; not at all if nobody waits any more."""
        job = asyncio.wrap_future(self._worker.submit(make, _sitter(request)))
        while not job.done():
            await asyncio.wait({job}, timeout=_LOOK_EVERY_S)
            if not job.done() and await request.is_disconnected():
                job.cancel()
                raise HTTPException(499)
        return job.result()

    async def _told(self, request: Request, tell: Callable[[Sitter], Made]) -> Made:
        """What is said about the request's words, without the bench: at once, whatever is being made there."""
        return await asyncio.wrap_future(self._teller.submit(tell, _sitter(request)))


_CLIP = {"seconds", "take"}


def _sitter(request: Request) -> Sitter:
    return asked(pair for pair in request.query_params.multi_items() if pair[0] not in _CLIP)


def _names(request: Request) -> set[str]:
    return set(request.query_params.keys())


def _played(sitter: Sitter, seconds: float, take: int) -> dict[str, Any]:
    try:
        return played(sitter, seconds, take)
    except ValueError as error:
        raise ArgumentError(str(error)) from None


async def _refused(_: Request, error: Exception) -> Response:
    """A bad value is the visitor's to put right: 422; a missing or damaged file is not: 500."""
    message = str(error)
    status = 422 if isinstance(error, ArgumentError | DataError) else 500
    return JSONResponse({"error": message, "argument": message.partition(":")[0]}, status_code=status)


async def _not_found(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    said = "there is nothing of this name" if status == 404 else "this is not how to ask"
    return JSONResponse({"error": said}, status_code=status)


async def _defect(_: Request, __: Exception) -> Response:
    """A defect of pain3d keeps its traceback, which the server prints in the terminal, and off the page."""
    return JSONResponse({"error": "pain3d met a defect of its own; the terminal says more"}, status_code=500)
