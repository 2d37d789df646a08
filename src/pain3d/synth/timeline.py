"""Timeline: one expression from rest over its apex back to rest, as a pure function of the seed.

Units start and end at moments of their own, lids blink, the head is never quite still. Durations are chosen by eye
within what is reported of spontaneous expressions (onsets of some tenths of a second, longer offsets); they are not
fitted to recordings of pain.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from pain3d.arguments import finite_number
from pain3d.data.clips import SWAY_DEGREES
from pain3d.face.acting import Acting
from pain3d.facs import AU_INDEX, AU_NAMES, Expression
from pain3d.streams import stream

SHORTEST_SECONDS, LONGEST_SECONDS = 2.0, 60.0
REST_SHARE = (0.10, 0.16)
"""Of the clip that passes before the first unit starts, and after the last has ended."""
ONSET_SECONDS, OFFSET_SECONDS = (0.35, 0.8), (0.6, 1.3)
"""How long a face takes to reach its apex, and to leave it."""
LAG_SECONDS = 0.12
"""Most that a unit starts or ends before or after the others."""
PACE = 0.2
"""Share by which a unit may be quicker or slower than the face."""
TREMOR = 0.06
"""Share by which intensities waver at the apex."""
CLOSING_SECONDS = 0.22
"""In which lids close on purpose, or open again."""
BLINK_DOWN_SECONDS, BLINK_UP_SECONDS = 0.09, 0.19
BLINK_EVERY_SECONDS = (1.8, 5.5)
"""From one blink to the next."""
SWAY_HERTZ = (0.08, 0.45)
_AU43 = AU_INDEX["AU43"]
_WAVES = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class Moment:
    """One moment of a clip."""

    time_s: float
    acting: Acting
    yaw: float
    """Degrees that the head is turned from where it is held, as pitch and roll."""
    pitch: float
    roll: float

    def stored(self) -> Moment:
        """The same in values that a row of a dataset, which has 32 bits for each, holds without loss."""
        return replace(self, time_s=float(np.float32(self.time_s)), acting=self.acting.stored())


@dataclass(frozen=True, kw_only=True, eq=False)
class Timeline:
    """When each unit acts; ask `at` for any moment."""

    seconds: float
    peak: Float[np.ndarray, "16"]
    start_s: Float[np.ndarray, "16"]
    """When each unit leaves rest."""
    onset_s: Float[np.ndarray, "16"]
    """How long it takes to its apex."""
    end_s: Float[np.ndarray, "16"]
    """When it leaves the apex."""
    offset_s: Float[np.ndarray, "16"]
    wave: Float[np.ndarray, "17 3 2"]
    """Frequency [Hz] and phase of what lets each unit waver."""
    blinks_s: Float[np.ndarray, " blink"]
    """When lids start to fall."""
    sway: Float[np.ndarray, "3 3 2"]
    """Frequency [Hz] and phase of what turns the head: yaw, pitch, roll."""

    @classmethod
    def draw(cls, seed: int, expression: Expression, seconds: float, take: int = 0) -> Timeline:
        """Draw the timing of one clip.

        Args:
            seed: of the subject.
            expression: what is acted at the apex; AU43 in it closes the eyes over the apex.
            seconds: length of the clip.
            take: another number, another timing.

        Raises:
            ValueError: for a length outside 2..60 seconds.
        """
        finite_number("seconds", seconds, "4")
        if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
            raise ValueError(f"seconds: {seconds:g} is outside {SHORTEST_SECONDS:g}..{LONGEST_SECONDS:g}; try 4")
        rng, units = stream(seed, "clip", take, "timing"), len(AU_NAMES)
        before, after = seconds * rng.uniform(*REST_SHARE, 2)
        longest = seconds - before - after
        # a short clip is played quicker, so that the apex keeps a fifth of the time between
        quick = min(1.0, 0.8 * longest / (ONSET_SECONDS[1] + OFFSET_SECONDS[1]))
        onset, offset = quick * rng.uniform(*ONSET_SECONDS), quick * rng.uniform(*OFFSET_SECONDS)
        lag = min(LAG_SECONDS, 0.5 * before, 0.5 * after)
        start = before + rng.uniform(-lag, lag, units)
        gone = seconds - after + rng.uniform(-lag, lag, units)
        own_onset, own_offset = (each * rng.uniform(1 - PACE, 1.0, units) for each in (onset, offset))
        closing = min(CLOSING_SECONDS, onset, offset)
        start[_AU43] += onset - closing  # eyes shut when the face has nearly got there
        gone[_AU43] -= 0.5 * offset
        own_onset[_AU43] = own_offset[_AU43] = closing
        return cls(
            seconds=float(seconds),
            peak=expression.vector,
            start_s=start,
            onset_s=own_onset,
            end_s=gone - own_offset,
            offset_s=own_offset,
            wave=_waves(stream(seed, "clip", take, "tremor"), units, (0.7, 2.5)),
            blinks_s=_blinks(stream(seed, "clip", take, "blinks"), seconds),
            sway=_waves(stream(seed, "clip", take, "sway"), len(SWAY_DEGREES), SWAY_HERTZ),
        )

    def at(self, time_s: float) -> Moment:
        """What is seen at one moment; at rest at the first and the last, blinks apart."""
        up = ease((time_s - self.start_s) / self.onset_s)
        share = up * (1 - ease((time_s - self.end_s) / self.offset_s))
        tremor = 1 - TREMOR * (0.5 + 0.5 * _sum(self.wave, time_s))
        tremor[_AU43] = 1.0
        intensities = self.peak * share * tremor
        turned = _sum(self.sway, time_s) * list(SWAY_DEGREES.values())
        yaw, pitch, roll = map(float, turned)
        acting = Acting(intensities=intensities, blink=self._blink(time_s))
        return Moment(time_s=float(time_s), acting=acting, yaw=yaw, pitch=pitch, roll=roll)

    def _blink(self, time_s: float) -> float:
        since = time_s - self.blinks_s
        down = ease(since / BLINK_DOWN_SECONDS)
        up = ease((since - BLINK_DOWN_SECONDS) / BLINK_UP_SECONDS)
        return float(np.max(down * (1 - up), initial=0.0))


def ease(t: Float[np.ndarray, "*any"]) -> Float[np.ndarray, "*any"]:
    """0 before 0, 1 after 1, and the smoothest way between (minimum jerk, Flash & Hogan 1985)."""
    t = np.clip(t, 0.0, 1.0)
    return t * t * t * (10 - 15 * t + 6 * t * t)


def _blinks(rng: np.random.Generator, seconds: float) -> Float[np.ndarray, " blink"]:
    first = rng.uniform(0.1, BLINK_EVERY_SECONDS[1])
    times = first + np.concatenate([[0.0], np.cumsum(rng.uniform(*BLINK_EVERY_SECONDS, int(seconds) + 1))])
    return times[times < seconds - BLINK_DOWN_SECONDS - BLINK_UP_SECONDS]


def _waves(rng: np.random.Generator, count: int, hertz: tuple[float, float]) -> Float[np.ndarray, "count 3 2"]:
    return np.stack([rng.uniform(*hertz, (count, _WAVES)), rng.uniform(0, 2 * np.pi, (count, _WAVES))], axis=-1)


def _sum(waves: Float[np.ndarray, "count 3 2"], time_s: float) -> Float[np.ndarray, " count"]:
    """-1..1: the mean of sines."""
    return np.sin(2 * np.pi * waves[..., 0] * time_s + waves[..., 1]).mean(axis=-1)
