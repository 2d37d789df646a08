"""serve(): the studio on a port of this machine, until it is stopped."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import socket
from collections.abc import Callable
from pathlib import Path

import uvicorn

from pain3d.errors import ArgumentError
from pain3d.studio.server import application

HERE = "127.0.0.1"
PORT = 8765


def serve(page: Path, *, host: str = HERE, port: int = PORT, say: Callable[[str], None]) -> str:
    """Serve until Ctrl-C; returns the address.

    Args:
        page: folder of the built page.
        host: name or address to listen on; others than this machine's own are told about with a warning.
        port: 0 takes a free one.
        say: told the address once browsers may come.

    Raises:
        ArgumentError: for a host or a port that cannot be listened on.
    """
    listening = listen(host, port)
    address = f"http://{_named(host)}:{listening.getsockname()[1]}/"
    if not is_here(host):
        say(
            f"warning: whoever reaches {host} over the network can use this studio: it has no password. "
            f"Leave out --host to keep it to this machine"
        )
    config = uvicorn.Config(
        application(page, host=host), log_level="warning", access_log=False, server_header=False, ws="none"
    )
    say(f"pain3d studio: {address} (Ctrl-C ends it; the first picture on a machine waits for kernels, up to a minute)")
    with contextlib.suppress(KeyboardInterrupt):  # the way to end it
        uvicorn.Server(config).run(sockets=[listening])
    return address


def listen(host: str, port: int) -> socket.socket:
    """A socket that nobody else has.

    Raises:
        ArgumentError: for a host or a port that cannot be listened on.
    """
    if not 0 <= port <= 65535:
        raise ArgumentError(f"port: {port} is outside 0..65535; give for example {PORT}, or 0 for a free one")
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError:
        raise ArgumentError(f"host: {host!r} is no name or address of this machine; leave it out for {HERE}") from None
    opened = socket.socket(family, kind, protocol)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind(place)
        opened.listen()
    except OSError as error:
        opened.close()
        if error.errno == errno.EADDRINUSE:
            raise ArgumentError(f"port: {port} is taken; give another one, or 0 for a free one") from None
        if error.errno in (errno.EACCES, errno.EPERM):
            raise ArgumentError(f"port: {port} is not yours to use; give one above 1023, or 0 for a free one") from None
        raise ArgumentError(f"host: {host!r} is not an address of this machine; leave it out for {HERE}") from None
    return opened


def is_here(host: str) -> bool:
    """Whether only this machine reaches a host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _named(host: str) -> str:
    """As it stands in an address."""
    return f"[{host}]" if ":" in host else host
