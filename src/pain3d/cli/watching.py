"""The command that shows faces to move: words to calls, no logic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pain3d.cli.answers import Answer
from pain3d.console import say
from pain3d.errors import ArgumentError


@dataclass(frozen=True, kw_only=True)
class Studio:
    """Move a face in the browser: Action Units, PSPI, heatmap, the renderer's picture and what ViTPain reads there.

    For this machine alone, offline, until Ctrl-C. The page is built by npm when it is first needed.
    """

    host: str = "127.0.0.1"
    """Name or address to listen on; any other than this machine's own opens the studio to the network, unprotected."""
    port: int = 8765
    """Port to listen on; 0: a free one."""
    build: bool = False
    """Build the page if it is not built, and stop."""
    json: bool = False
    """Print the result as JSON, and nothing else, on standard output."""

    def run(self, _: Sequence[str]) -> Answer:
        from pain3d.studio.page import page

        if self.build:
            built = page(say)
            return Answer(text=f"built: {built}", data={"page": str(built)})
        try:
            from pain3d.studio.serve import serve
        except ImportError as error:
            raise ArgumentError(
                f"studio: needs {error.name}, which is not installed; run pip install 'pain3d[studio]'"
            ) from None
        address = serve(page(say), host=self.host, port=self.port, say=say)
        return Answer(text="stopped", data={"address": address})
