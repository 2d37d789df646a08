"""metrics.jsonl: each step told once, whatever happened."""

import json
import math

from pain3d.train.log import METRICS, TENSORBOARD, MetricsLog, read_metrics


def test_a_line_a_step_and_nothing_that_is_no_json(tmp_path):
    log = MetricsLog(tmp_path, resume_step=0)
    log.write("train", 1, 8, {"loss/total": 0.5, "grad_norm": math.inf})
    log.write("val", 1, 8, {"mae": math.nan})
    log.close()
    lines = [json.loads(line) for line in (tmp_path / METRICS).read_text().splitlines()]
    assert lines == [
        {"kind": "train", "step": 1, "samples": 8, "loss/total": 0.5, "grad_norm": None},
        {"kind": "val", "step": 1, "samples": 8, "mae": None},
    ]
    assert list((tmp_path / TENSORBOARD).iterdir())


def test_going_on_drops_what_came_after_the_checkpoint(tmp_path):
    log = MetricsLog(tmp_path, resume_step=0)
    for step in (1, 2, 3):
        log.write("train", step, step, {"loss/total": 1.0})
    log.close()
    MetricsLog(tmp_path, resume_step=2).close()
    assert [line["step"] for line in read_metrics(tmp_path, "train")] == [1, 2]


def test_a_line_cut_short_by_a_kill_is_dropped(tmp_path):
    (tmp_path / METRICS).write_text('{"kind": "train", "step": 1, "samples": 8}\n{"kind": "tra')
    MetricsLog(tmp_path, resume_step=5).close()
    assert (tmp_path / METRICS).read_text() == '{"kind": "train", "step": 1, "samples": 8}\n'
