"""The one training loop: teacher, student and the arm without a teacher, on one core or many nodes.

Nothing that decides what is learnt reads a clock or carries a hidden state from step to step. Which frames a step sees,
how they are augmented, and what dropout drops are pure functions of (seed, position), so that a run stopped anywhere
and continued from its last checkpoint ends in the same weights, on a CPU to the bit.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast

from pain3d.arguments import instance_of
from pain3d.data.manifest import read_manifest
from pain3d.data.progress import only_run
from pain3d.interrupt import StopRequest
from pain3d.places import Place, location
from pain3d.streams import derive_seed
from pain3d.train import run_folder
from pain3d.train.config import TrainConfig
from pain3d.train.distill import Teacher
from pain3d.train.ema import Ema
from pain3d.train.frames import Batch
from pain3d.train.initial import Initial, load_initial, weights_sha256
from pain3d.train.learner import Learner, check_dataset, check_other_dataset, load_teacher, seeded_torch
from pain3d.train.loader import batches
from pain3d.train.log import MetricsLog, json_numbers
from pain3d.train.notes import notes
from pain3d.train.optim import parameter_groups, set_learning_rate
from pain3d.train.processes import accelerator_of, anywhere, ending_together
from pain3d.train.result import TrainResult
from pain3d.train.run_data import RunData
from pain3d.train.state import Counters, Parts, checkpoints, restore, save, written_whole
from pain3d.train.tally import Tally, refuse_non_finite
from pain3d.train.validate import Validation, score

Advance = Callable[[int, int], None]
"""(samples seen, samples to see)."""
Phase = Callable[[str], None]
"""Told in words what begins."""


def train(
    dataset: Place | str,
    run: Path | str,
    config: TrainConfig,
    *,
    on_progress: Advance | None = None,
    on_phase: Phase = lambda said: None,
) -> TrainResult:
    """Train a model, or go on where an earlier call stopped; a finished run is left as it is.

    Ctrl-C and SIGTERM finish the step and write a checkpoint before `KeyboardInterrupt` is raised. Start it by
    ``accelerate launch`` to use several devices or nodes.

    Args:
        dataset: folder of a finished dataset, or its URL: each epoch fetches its frames anew then.
        run: folder of the run: new, empty, or holding a part of the same run.
        config: what to train, from `pain3d.train.recipes` or made by hand.
        on_progress: called with (samples seen, samples to see) after each step.
        on_phase: called with what begins, in words.

    Raises:
        ArgumentError: if configuration, dataset and teacher do not go together; nothing was started.
        OutputError: if `run` holds anything else; nothing was changed.
        DataError: if the dataset, the teacher or a checkpoint is missing or damaged.
        TrainingError: if the loss is not finite, or another process of the run is gone; the last good checkpoint is
            kept.
        StorageError: if the disk fails; run again to go on.
    """
    started = time.monotonic()
    instance_of(TrainConfig, "config", config, 'recipe("rgb")')
    source, folder = location(dataset), Path(run)
    manifest = read_manifest(source)
    check_dataset(source, manifest, config)
    mixed = None if config.mix is None else read_manifest(location(config.mix.dataset))
    check_other_dataset(mixed, config)
    accelerator = accelerator_of(config)
    steps = config.steps(accelerator.num_processes)
    with _threads(config.threads):
        teacher, initial = load_teacher(config, manifest), load_initial(config)
        wanted = run_folder.description(
            config,
            source,
            manifest,
            processes=accelerator.num_processes,
            teacher_sha256=None if teacher is None else weights_sha256(teacher.model),
            init=None if initial is None else initial.record(),
            mixed=mixed,
        )
        for package in run_folder.check(folder, wanted, config.identity()):
            on_phase(f"note: {package}: the rest of this run may round otherwise than its beginning")
        summary = run_folder.read_summary(folder)
        data = None if summary is not None else RunData.read(source, config)
        if accelerator.is_main_process:
            run_folder.claim(folder, wanted)
        accelerator.wait_for_everyone()
        with only_run(folder) if accelerator.is_main_process else contextlib.nullcontext():
            samples_now = 0
            if summary is None and data is not None:
                for note in notes(config, data):
                    on_phase(f"note: {note}")
                session = _Session(data, folder, config, accelerator, teacher, initial, steps, on_progress, on_phase)
                samples_now = session.finish()
                accelerator.wait_for_everyone()
                summary = session.summary
    if summary is None:
        raise AssertionError("a session that ends leaves a summary")
    seconds = time.monotonic() - started
    return TrainResult(
        run=folder,
        recipe=config.recipe,
        samples_now=samples_now,
        seconds=seconds,
        samples_per_second=samples_now / max(seconds, 0.001),
        **{name: summary[name] for name in ("steps", "samples", "best_step", "best", "stopped_early")},
    )


class _Session:
    """One call's share of a run, from the last checkpoint to the end."""

    def __init__(
        self,
        data: RunData,
        run: Path,
        config: TrainConfig,
        accelerator: Accelerator,
        teacher: Teacher | None,
        initial: Initial | None,
        steps: int,
        on_progress: Advance | None,
        on_phase: Phase,
    ) -> None:
        self._run, self._config, self._accelerator, self._steps = run, config, accelerator, steps
        self._on_progress, self._on_phase = on_progress, on_phase
        self._frames = data.trained
        self._validation = Validation(data.judged, frames=config.eval_frames, batch_size=config.batch_size)
        self._teacher = None if teacher is None else teacher.to(accelerator.device)
        self._learner = Learner(config, teacher, initial, landmarks=data.any_landmarks).to(accelerator.device)
        groups = parameter_groups(
            self._learner, lr=config.lr, lr_heads=config.lr_heads, weight_decay=config.weight_decay
        )
        adamw = torch.optim.AdamW(groups, lr=config.lr, betas=config.betas)
        self._ema = None if config.ema is None else Ema(self._learner.model, config.ema)
        self._wrapped, self._optimizer = accelerator.prepare(self._learner, adamw)
        self._parts = Parts(learner=self._learner, optimizer=adamw, ema=self._ema, scaler=accelerator.scaler)
        self._counters = self._restored()
        self.summary: dict[str, Any] = {}

    def _restored(self) -> Counters:
        found = checkpoints(self._run)
        if not found:
            return Counters()
        counters = restore(found[-1], self._parts)
        self._on_phase(f"going on from step {counters.step:,} of {self._steps:,}")
        return counters

    def finish(self) -> int:
        """Train to the end of the budget; returns how many samples this call saw."""
        first = self._counters.step
        log = MetricsLog(self._run, resume_step=first) if self._accelerator.is_main_process else None
        where = f"{self._accelerator.num_processes} x {self._accelerator.device.type}"
        self._on_phase(f"training {self._config.recipe} on {where}: {self._steps:,} steps")
        try:
            together = ending_together(self._accelerator, self._run, timeout_s=self._config.timeout_s)
            with together, StopRequest(signal.SIGINT, signal.SIGTERM) as stop, seeded_torch(0):
                self._go(log, stop)
        finally:
            if log is not None:
                log.close()
        self._conclude()
        return (self._counters.step - first) * self._per_step

    @property
    def _per_step(self) -> int:
        return self._config.batch_size * self._config.accumulate * self._accelerator.num_processes

    @property
    def _exhausted(self) -> bool:
        patience = self._config.patience
        return patience is not None and self._counters.evaluations_since_best >= patience

    def _go(self, log: MetricsLog | None, stop: StopRequest) -> None:
        config, accelerator = self._config, self._accelerator
        tally = Tally(accelerator)
        micro = self._counters.step * config.accumulate
        with contextlib.closing(
            batches(
                self._frames,
                batch_size=config.batch_size,
                start=micro,
                stop=self._steps * config.accumulate,
                rank=accelerator.process_index,
                processes=accelerator.num_processes,
                workers=config.workers,
            )  # pyright: ignore[reportArgumentType]  # a generator: it has close()
        ) as feed:
            while self._counters.step < self._steps and not self._exhausted:
                self._step(feed, tally)
                step = self._counters.step
                if step % config.log_every == 0 or step == self._steps:
                    self._log(log, tally)
                better = self._evaluated(log) if step % config.eval_every == 0 or step == self._steps else False
                if self._on_progress is not None:
                    self._on_progress(step * self._per_step, self._steps * self._per_step)
                stopping = anywhere(accelerator, stop.asked)
                if better or stopping or step % config.save_every == 0 or step == self._steps or self._exhausted:
                    self._save()
                if stopping:
                    raise KeyboardInterrupt

    def _step(self, feed: Iterator[Batch], tally: Tally) -> None:
        """One optimiser step; weights are untouched if its loss is not finite."""
        config, accelerator = self._config, self._accelerator
        schedule = {"steps": self._steps, "warmup": config.warmup(self._steps), "least": config.min_lr}
        set_learning_rate(self._parts.optimizer, self._counters.step, **schedule)
        self._wrapped.train()
        totals, frame_ids = [], []
        for part in range(config.accumulate):
            batch = next(feed).to(accelerator.device)
            # One number for each micro-batch of all processes: two processes drop out as one that accumulates twice.
            micro = (self._counters.step * config.accumulate + part) * accelerator.num_processes
            torch.manual_seed(derive_seed(config.seed, "dropout", micro + accelerator.process_index))
            last = part + 1 == config.accumulate
            with contextlib.nullcontext() if last else accelerator.no_sync(self._wrapped):
                with accelerator.autocast():
                    seen = None if self._teacher is None else self._teacher(batch)
                terms = self._wrapped(batch, seen)
                accelerator.backward(terms["total"] / config.accumulate)
            totals.append({name: value.detach() for name, value in terms.items()})
            frame_ids.append(list(batch.frame_ids))
        limit = math.inf if config.clip is None else config.clip
        norm = accelerator.clip_grad_norm_(self._learner.parameters(), limit)
        refuse_non_finite(
            accelerator, self._run, step=self._counters.step + 1, totals=totals, norm=norm, frame_ids=frame_ids
        )
        self._optimizer.step()
        self._optimizer.zero_grad()
        if self._ema is not None:
            self._ema.update(self._learner.model)
        tally.add(totals, norm)
        self._counters = dataclasses.replace(self._counters, step=self._counters.step + 1)

    def _log(self, log: MetricsLog | None, tally: Tally) -> None:
        values = tally.means(self._per_step)
        rates = {group["name"]: group["lr"] for group in self._parts.optimizer.param_groups}
        values |= {f"lr/{name}": rate for name, rate in rates.items() if name.endswith("/decay")}
        if log is not None:
            log.write("train", self._counters.step, self._counters.step * self._per_step, values)

    def _evaluated(self, log: MetricsLog | None) -> bool:
        """Look at the validation subjects, keep the model if it is the best so far, and say whether it is."""
        found = torch.full((1,), -math.inf, device=self._accelerator.device)
        values: dict[str, float] = {}
        with self._averaged():
            if self._accelerator.is_main_process:
                with self._accelerator.autocast():
                    values = self._validation(self._learner.model, self._config.task, self._accelerator.device)
                found.fill_(score(values, self._config.choose_by))
            # Every process must come to the same decision, whatever its own rounding.
            value = float(cast(torch.Tensor, broadcast(found)))
            best = self._counters.best
            better = best is None or value > best
            if better and self._accelerator.is_main_process:
                self._keep(values)
        if log is not None:
            log.write("val", self._counters.step, self._counters.step * self._per_step, {"score": value, **values})
        self._counters = (
            dataclasses.replace(self._counters, best=value, best_step=self._counters.step, evaluations_since_best=0)
            if better
            else dataclasses.replace(self._counters, evaluations_since_best=self._counters.evaluations_since_best + 1)
        )
        return better

    def _averaged(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext() if self._ema is None else self._ema.in_place_of(self._learner.model)

    def _keep(self, values: dict[str, float]) -> None:
        """Write best/ in `from_pretrained` form, and beside it what it scored."""
        with written_whole(self._run / run_folder.BEST) as temporary:
            self._learner.model.save_pretrained(temporary)
            content = {"step": self._counters.step, "values": json_numbers(values)}
            run_folder.write_json(temporary / run_folder.VALIDATION, {"format": run_folder.FORMAT, **content})

    def _save(self) -> None:
        if self._accelerator.is_main_process:
            save(self._run, self._parts, self._counters, keep=self._config.keep)

    def _conclude(self) -> None:
        self._accelerator.wait_for_everyone()
        best = run_folder.read_best(self._run)
        self.summary = {
            "format": run_folder.FORMAT,
            "steps": self._counters.step,
            "samples": self._counters.step * self._per_step,
            "best_step": self._counters.best_step,
            "best": best["values"],
            "stopped_early": self._counters.step < self._steps,
        }
        if self._accelerator.is_main_process:
            run_folder.write_json(self._run / run_folder.SUMMARY, self.summary)


@contextlib.contextmanager
def _threads(wanted: int | None) -> Iterator[None]:
    before = torch.get_num_threads()
    if wanted is not None:
        torch.set_num_threads(wanted)
    try:
        yield
    finally:
        torch.set_num_threads(before)
