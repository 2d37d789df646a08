"""Guard: what every answer carries, and who gets none. The studio is for the browser of this machine's user."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS: Mapping[str, str] = {
    "content-security-policy": "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' blob: data:",
            "connect-src 'self' blob:",  # three.js unpacks the pictures of a .glb as blobs, and fetches them
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}
"""Nothing is loaded from elsewhere, nobody else shows our pages, and nothing is kept that another version made."""


class Guard:
    """Stands before the whole application."""

    def __init__(self, app: ASGIApp, *, host: str) -> None:
        """Let through what is addressed to this machine.

        Args:
            app: what is guarded.
            host: the name that the server listens on.
        """
        self._app, self._host = app, host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        refused = self._refusal(headers)
        if refused is not None:
            await JSONResponse({"error": refused}, status_code=403)(scope, receive, with_headers)
            return
        await self._app(scope, receive, with_headers)

    def _refusal(self, headers: Headers) -> str | None:
        host = headers.get("host") or ""
        if not self._is_ours(host):
            return f"host: {host[:80]!r} is not a name of this studio; open the address that it printed"
        if headers.get("sec-fetch-site") in ("cross-site", "same-site"):
            return "another website asked for this; open the address that the studio printed"
        return None

    def _is_ours(self, host: str) -> bool:
        """An address cannot be bound again to another machine, as a name can: DNS rebinding needs a name."""
        try:
            name = urlsplit(f"//{host}").hostname
        except ValueError:
            return False
        if name is None:
            return False
        if name in ("localhost", self._host.lower()):
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True
