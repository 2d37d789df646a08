"""The command line: words to calls, and answers to words. No logic lives here.

Exit status: 0 done, 1 the work found something wrong, 2 bad arguments, 130 interrupted.
"""

from __future__ import annotations

import contextlib
import json
import signal
import sys
from collections.abc import Iterator, Sequence
from typing import Annotated

import tyro

from pain3d import __version__
from pain3d.__main__ import told_interrupted
from pain3d.cli import answers, exchange, judging, learning, making, skins, watching
from pain3d.console import answer_with, stdout_kept_clean
from pain3d.data.arrow import leave_pandas_out
from pain3d.errors import UserError
from pain3d.synth.plan import PRESETS

__all__ = ["PRESETS", "main"]

Command = (
    Annotated[making.Demo, tyro.conf.subcommand("demo")]
    | Annotated[making.Face, tyro.conf.subcommand("face")]
    | Annotated[making.Clip, tyro.conf.subcommand("clip")]
    | Annotated[watching.Studio, tyro.conf.subcommand("studio")]
    | Annotated[making.Generate, tyro.conf.subcommand("generate")]
    | Annotated[making.Finish, tyro.conf.subcommand("finish")]
    | Annotated[making.Plan, tyro.conf.subcommand("plan")]
    | Annotated[making.Audit, tyro.conf.subcommand("audit")]
    | Annotated[making.Show, tyro.conf.subcommand("show")]
    | Annotated[skins.TrainSkin, tyro.conf.subcommand("train-skin")]
    | Annotated[learning.Train, tyro.conf.subcommand("train")]
    | Annotated[learning.Evaluate, tyro.conf.subcommand("evaluate")]
    | Annotated[judging.Crossval, tyro.conf.subcommand("crossval")]
    | Annotated[judging.Report, tyro.conf.subcommand("report")]
    | Annotated[learning.Predict, tyro.conf.subcommand("predict")]
    | Annotated[learning.Explain, tyro.conf.subcommand("explain")]
    | Annotated[exchange.Import, tyro.conf.subcommand("import")]
    | Annotated[exchange.Export, tyro.conf.subcommand("export")]
)


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    if words is None:  # this process is the command's own
        leave_pandas_out()
    given = list(sys.argv[1:] if words is None else words)
    if given == ["--version"]:
        print(f"pain3d {__version__}")
        return 0
    command = parsed(given)
    try:
        with _ended_like_ctrl_c(), stdout_kept_clean():
            answer = command.run(given)
    except UserError as error:
        print(f"pain3d: error: {answers.with_flag(str(error), command)}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return told_interrupted()
    answer_with(json.dumps(answer.data, indent=2) if command.json else answer.text)
    return answer.exit_code


def parsed(words: Sequence[str]) -> answers.Command:
    """The command that these words ask for, not run; SystemExit, with a message, where they ask for none."""
    return tyro.cli(
        Command,  # pyright: ignore[reportArgumentType]
        prog="pain3d",
        description="Synthetic, fully annotated pain faces. PSPI is observer-coded expression, not felt pain.",
        args=words,
        config=(tyro.conf.FlagCreatePairsOff, tyro.conf.UseAppendAction),
    )


@contextlib.contextmanager
def _ended_like_ctrl_c() -> Iterator[None]:
    """SIGTERM, which job schedulers send, cleans up as Ctrl-C does."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
