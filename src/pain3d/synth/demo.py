"""The main job in small: make a dataset, check it, show it."""

from __future__ import annotations

from dataclasses import dataclass

from pain3d.data.audit import audit
from pain3d.data.findings import AuditReport, counted
from pain3d.places import Place
from pain3d.synth.generate import Advance, Phase, Result, Workers, generate
from pain3d.synth.page import Read, write_page
from pain3d.synth.plan import PlanConfig
from pain3d.synth.sheet import show


def demo_config(seed: int = 0) -> PlanConfig:
    """Ten people, two of every age band: neutral and ten pains, in three views each; 330 frames."""
    return PlanConfig(subjects=10, expressions=10, views=3, seed=seed, subjects_per_shard=1)


@dataclass(frozen=True, kw_only=True)
class Demo:
    """What the demo made."""

    result: Result
    report: AuditReport
    contact_sheet: Place
    page: Place

    def text(self) -> str:
        """What was made and where it lies, for people."""
        return "\n".join(
            [
                self.result.text(),
                *(str(finding) for finding in self.report.findings),
                f"audit: {counted(self.report.frames, 'frame')}, {self.report.verdict}",
                f"contact sheet: {self.contact_sheet}",
                f"page:          {self.page}",
            ]
        )

    def to_json(self) -> dict[str, object]:
        """The same as plain values."""
        return {
            **self.result.to_json(),
            "audit": self.report.to_json(),
            "contact_sheet": str(self.contact_sheet),
            "page": str(self.page),
        }


def demo(
    out: Place | str,
    *,
    seed: int = 0,
    workers: Workers = "auto",
    on_progress: Advance | None = None,
    on_phase: Phase = lambda said: None,
    read: Read | None = None,
) -> Demo:
    """Make `demo_config` in `out`, audit it, and draw it; arguments and errors as in `generate`.

    `read` gives what a model says about frames, which the page shows beside the truth.
    """
    result = generate(out, demo_config(seed), workers=workers, on_progress=on_progress, on_phase=on_phase)
    on_phase("checking: every file, label and picture")
    report = audit(result.out)
    on_phase("writing the page")
    return Demo(
        result=result,
        report=report,
        contact_sheet=show(result.out),
        page=write_page(result.out, report, read),
    )
