"""What an audit found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field


def counted(count: int, noun: str) -> str:
    """``1 finding``, ``1,200 findings``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def listed(lines: Sequence[str], shown: int = 5) -> str:
    """``first; second; and 3 more``."""
    hidden = len(lines) - shown
    return "; ".join(lines[:shown]) + (f"; and {hidden} more" if hidden > 0 else "")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One broken rule."""

    rule: str
    """Short name of the rule, such as ``pspi`` or ``hash``."""
    where: str
    """The offender: a frame id, a subject id, or a file."""
    message: str
    file: str = ""
    """Shard that holds the offender, where it is not a file itself."""

    def __str__(self) -> str:
        place = f"{self.file}: {self.where}" if self.file else self.where
        return f"{place}: {self.rule}: {self.message}"


@dataclass(kw_only=True)
class AuditReport:
    """All findings, and what was counted on the way."""

    findings: list[Finding] = field(default_factory=list)
    shards: int = 0
    frames: int = 0
    subjects: int = 0
    saturated_frames: int = 0
    """Frames whose heatmap reaches its maximum somewhere."""
    saturated_pixels: int = 0

    def found(self, rule: str, where: str, message: str, file: str = "") -> None:
        """Add a finding."""
        self.findings.append(Finding(rule=rule, where=where, message=message, file=file))

    @property
    def ok(self) -> bool:
        """True when no rule is broken."""
        return not self.findings

    @property
    def verdict(self) -> str:
        """``sound``, or how many findings there are."""
        return counted(len(self.findings), "finding") if self.findings else "sound"

    @property
    def by_rule(self) -> dict[str, int]:
        """Number of findings of each broken rule."""
        return dict(sorted(Counter(finding.rule for finding in self.findings).items()))

    def to_json(self) -> dict[str, object]:
        """The report as plain values, for ``--json``."""
        return {
            "ok": self.ok,
            "shards": self.shards,
            "frames": self.frames,
            "subjects": self.subjects,
            "saturated_frames": self.saturated_frames,
            "saturated_pixels": self.saturated_pixels,
            "by_rule": self.by_rule,
            "findings": [
                {"rule": f.rule, "where": f.where, "file": f.file, "message": f.message} for f in self.findings
            ],
        }
