"""An S3 server of this process, which can be told to fail; other processes reach it by the environment."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator

import fsspec
import pytest
import werkzeug.serving
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

ACCESS_KEY, SECRET_KEY = "AKIATHISISTHENAME", "this-is-the-password"


class _Silent(werkzeug.serving.WSGIRequestHandler):
    def log(self, *_: object) -> None: ...


@contextlib.contextmanager
def serving(monkeypatch: pytest.MonkeyPatch, bucket: str) -> Iterator[S3Server]:
    """A server with one empty bucket, which this process and those that it starts find by the environment."""
    server = S3Server()
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    kind = fsspec.get_filesystem_class("s3")
    kind.clear_instance_cache()
    files = fsspec.filesystem("s3")
    if files.exists(bucket):  # moto's objects are the process's
        files.rm(bucket, recursive=True)
    files.mkdir(bucket)
    yield server
    server.stop()
    kind.clear_instance_cache()


class S3Server:
    """Objects stay when it stops; start another on the same port, and they are there again."""

    def __init__(self, port: int = 0) -> None:
        self.requests: list[tuple[str, str]] = []
        """Method and path, with the query, of each."""
        self.fails: Callable[[int], str | None] = lambda number: None
        """Status line to answer the request of this number with, or None to answer as it should be."""
        self._app = DomainDispatcherApplication(create_backend_app)
        self._server = werkzeug.serving.make_server("127.0.0.1", port, self._answer, True, request_handler=_Silent)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def environment(self) -> dict[str, str]:
        """What a client needs; one try, so that patience is ours."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1",
        }

    def puts(self, bucket: str) -> list[str]:
        """What was put into a bucket, in order, failed requests left out."""
        return [path.removeprefix(f"/{bucket}/") for method, path in self.requests if method == "PUT"]

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, environ: dict, start_response: Callable) -> Iterable[bytes]:
        query = f"?{environ['QUERY_STRING']}" if environ["QUERY_STRING"] else ""
        status = self.fails(len(self.requests))
        method = environ["REQUEST_METHOD"]
        self.requests.append((method if status is None else f"failed {method}", environ["PATH_INFO"] + query))
        if status is None:
            return self._app(environ, start_response)
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        code = status.partition(" ")[2]
        said = f"<Error><Code>{code}</Code><Message>as the test asked</Message></Error>".encode()
        said = b"" if method == "HEAD" else said
        start_response(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(said)))])
        return [said]
