"""From a model that is there to real data: what is loaded, what moves, whose frames, the same weights if stopped."""

import dataclasses
import json
import os
import shutil
import signal
from itertools import pairwise

import pytest
import real
import torch
from safetensors.torch import load_file
from test_loop import learnt, same
from toy import config, model_config, use

from pain3d.errors import ArgumentError, DataError, OutputError
from pain3d.model.config import NeutralConfig
from pain3d.model.vitpain import ViTPain
from pain3d.train.choice import DataChoice, with_data
from pain3d.train.config import TrainConfig
from pain3d.train.initial import architecture_differences, load_initial, weights_sha256
from pain3d.train.learner import Learner
from pain3d.train.log import read_metrics
from pain3d.train.loop import train
from pain3d.train.losses import TaskWeights
from pain3d.train.optim import is_backbone
from pain3d.train.recipes import recipe
from pain3d.train.subjects import few_shot, subjects_of

pytestmark = pytest.mark.usefixtures("one_thread")

TRAINED, JUDGED = real.SUBJECTS[:3], real.SUBJECTS[3:]
LAYOUT = {"layout_channels": 4, "landmarks": True}


@pytest.fixture(scope="module")
def unbc(tmp_path_factory):
    return real.write(tmp_path_factory.mktemp("real") / "unbc", real.rows())


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """A checkpoint to start from."""
    folder = tmp_path_factory.mktemp("start") / "model"
    return ViTPain(model_config(**LAYOUT), seed=5).save_pretrained(folder)


def small(kind, start, **changes):
    """A recipe cut down to a few steps."""
    made = recipe(kind, init=str(start), seed=3)
    frames = dataclasses.replace(made.frames, subjects=TRAINED)
    budget = {"samples": 48, "batch_size": 4, "eval_every": 3, "save_every": 3, "log_every": 1, "accumulate": 2}
    return dataclasses.replace(made, frames=frames, val_subjects=JUDGED, **{**budget, **changes})


def test_a_run_starts_from_every_weight_of_the_checkpoint(unbc, start, tmp_path):
    made = small("finetune_unbc", start)
    learner = Learner(made, None, load_initial(made))
    assert weights_sha256(learner.model) == weights_sha256(ViTPain.from_pretrained(start))
    train(unbc, tmp_path / "run", made)
    told = json.loads((tmp_path / "run" / "config.json").read_text())["init"]
    model = ViTPain.from_pretrained(start)
    assert told == {
        "name": str(start),
        "weights_sha256": weights_sha256(model),
        "tensors": len(model.state_dict()),
        "parameters": model.parameter_count,
        "left_behind": [],
    }
    moved = ViTPain.from_pretrained(tmp_path / "run").state_dict()
    assert any(not torch.equal(moved[name], value) for name, value in model.state_dict().items())


@pytest.mark.parametrize("kind", ["finetune_unbc", pytest.param("linear_probe", marks=pytest.mark.slow)])
@pytest.mark.parametrize("step", [1, 3, 4])
def test_a_stopped_run_goes_on_to_the_bit(unbc, start, tmp_path, kind, step):
    made = small(kind, start, ema=0.9)
    train(unbc, tmp_path / "whole", made)

    def stop(done, _):
        if done == step * 8:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train(unbc, tmp_path / "run", made, on_progress=stop)
    train(unbc, tmp_path / "run", dataclasses.replace(made, workers=1))
    assert same(learnt(tmp_path / "run"), learnt(tmp_path / "whole"))
    best = "best/model.safetensors"
    assert (tmp_path / "run" / best).read_bytes() == (tmp_path / "whole" / best).read_bytes()


@pytest.mark.parametrize("changes", [{}, {"neutral": NeutralConfig(encoder="separate", heads=2)}])
def test_a_linear_probe_moves_no_weight_of_the_backbone_and_every_head(unbc, tmp_path, changes):
    start = ViTPain(model_config(**LAYOUT, **changes), seed=5).save_pretrained(tmp_path / "model")
    train(unbc, tmp_path / "run", small("linear_probe", start, samples=80, eval_every=10))
    before, after = load_file(start / "model.safetensors"), load_file(tmp_path / "run" / "best" / "model.safetensors")
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert not [name for name in moved if is_backbone(name)]
    assert {name for name in before if not is_backbone(name)} == moved
    assert any("running_mean" in name for name in before)  # batch norm, whose statistics would move by themselves
    state = learnt(tmp_path / "run")
    assert not [name for name in state if name.startswith("adam.") and is_backbone(name.partition("/")[2])]


def test_another_first_model_makes_another_run_and_a_moved_one_does_not(unbc, start, tmp_path):
    copy = shutil.copytree(start, tmp_path / "copy")
    made = small("finetune_unbc", copy, samples=8)
    train(unbc, tmp_path / "run", made)
    moved = dataclasses.replace(made, init=str(shutil.copytree(start, tmp_path / "elsewhere")))
    assert train(unbc, tmp_path / "run", moved).samples_now == 0
    ViTPain(model_config(**LAYOUT), seed=6).save_pretrained(copy)
    with pytest.raises(OutputError, match=r"init\.weights_sha256"):
        train(unbc, tmp_path / "run", made)
    fewer = dataclasses.replace(moved.frames, subjects=TRAINED[:2])
    with pytest.raises(OutputError, match=r"config\.frames\.subjects"):
        train(unbc, tmp_path / "run", dataclasses.replace(moved, frames=fewer))


def test_a_run_from_before_these_options_is_the_run_that_names_none(monkeypatch, tmp_path):
    data = use(monkeypatch, tmp_path / "data")
    train(data, tmp_path / "run", config(samples=8))
    path = tmp_path / "run" / "config.json"
    told = json.loads(path.read_text())
    for place, names in (
        (told, ("mix", "init")),
        (told["config"], ("init", "freeze", "val_subjects", "mix")),
        (told["config"]["frames"], ("neutral_frames", "pain_weight", "subjects")),
    ):
        for name in names:
            del place[name]
    path.write_text(json.dumps(told))
    assert train(data, tmp_path / "run", config(samples=8)).samples_now == 0
    with pytest.raises(OutputError, match=r'config\.freeze: "nothing" there, "backbone" asked for'):
        train(data, tmp_path / "run", config(samples=8, freeze="backbone"))


def test_a_named_test_subject_is_told_of(start, tmp_path):
    content = [{**row, "split": "test" if row["subject_id"] == TRAINED[0] else "train"} for row in real.rows()]
    said: list[str] = []
    data = real.write(tmp_path / "data", content)
    train(data, tmp_path / "run", small("finetune_unbc", start, samples=8), on_phase=said.append)
    assert any(line.startswith(f"note: {TRAINED[0]}: of the test split of") for line in said)


def test_nothing_is_begun_with_subjects_that_are_not_there(unbc, start, tmp_path):
    made = small("finetune_unbc", start)
    frames = dataclasses.replace(made.frames, subjects=("042-ll042", "042-ll"))
    with pytest.raises(ArgumentError, match="subjects: 042-ll not among the 4 subjects read of"):
        train(unbc, tmp_path / "run", dataclasses.replace(made, frames=frames))
    assert not (tmp_path / "run").exists()


def test_another_architecture_is_refused_with_every_difference(monkeypatch, start, tmp_path):
    data = use(monkeypatch, tmp_path / "data")
    with pytest.raises(ArgumentError) as caught:
        train(data, tmp_path / "run", config(init=str(start), model=model_config(head_hidden=16)))
    text = str(caught.value)
    assert text.startswith(f"init: {start} is of another architecture than this configuration (head_hidden: 32 there, ")
    for line in ("head_hidden: 32 there, 16", "landmarks: true there, false", "layout_channels: 4 there, null"):
        assert f"{line} asked for" in text
    assert not (tmp_path / "run").exists()


def test_dropout_is_no_architecture():
    ours, theirs = model_config(head_dropout=0.3), model_config(head_dropout=0.1)
    assert architecture_differences(ours, theirs) == []
    assert architecture_differences(ours, model_config(image_size=64)) == ["image_size: 64 there, 32 asked for"]


def test_a_missing_first_model_is_told(unbc, tmp_path):
    with pytest.raises(DataError, match="nowhere"):
        recipe("finetune_unbc", init=str(tmp_path / "nowhere"))


def test_no_landmarks_no_lesson_about_them(tmp_path, start):
    said: list[str] = []
    data = real.write(tmp_path / "data", real.rows(placed="centre", coded=("AU4", "AU6", "AU10")))
    train(data, tmp_path / "run", small("finetune_unbc", start), on_phase=said.append)
    before, after = load_file(start / "model.safetensors"), load_file(tmp_path / "run" / "best" / "model.safetensors")
    assert {name for name in before if torch.equal(before[name], after[name])} >= {
        "heads.layout.landmarks.weight",
        "heads.layout.landmarks.bias",
    }
    assert all(line["loss/task/landmarks"] == 0 for line in read_metrics(tmp_path / "run", "train"))
    told = "\n".join(said)
    assert "central square is taken" in told and "head that reads them stays as it is" in told
    assert "AU7 is coded in no training frame" in told and "AU4 is" not in told


def test_data_without_a_split_wants_subjects_named(unbc, start, tmp_path):
    made = recipe("finetune_unbc", init=str(start))
    with pytest.raises(DataError, match=r"no train frames.*without an official split: name subjects and val_subjects"):
        train(unbc, tmp_path / "run", made)


def test_heatmaps_are_not_asked_of_real_data(unbc, tmp_path):
    with pytest.raises(
        ArgumentError, match=r"teacher/toy: a teacher reads heatmaps, but .* imported \(unbc\) and has none"
    ):
        made = config("teacher")
        frames = dataclasses.replace(made.frames, subjects=TRAINED)
        train(unbc, tmp_path / "run", dataclasses.replace(made, frames=frames, val_subjects=JUDGED))


def test_validation_subjects_without_pain_are_told_of(tmp_path, start):
    content = [row for row in real.rows() if row["subject_id"] not in JUDGED or row["PSPI"] == 0]
    data, said = real.write(tmp_path / "data", content), []
    train(data, tmp_path / "run", small("finetune_unbc", start, samples=8), on_phase=said.append)
    assert any("no validation frame has PSPI above 0" in line for line in said)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"val_subjects": ("a",)}, "frames.subjects: None, but val_subjects are named"),
        ({"val_subjects": ()}, "val_subjects: none named"),
        ({"freeze": "heads"}, "freeze: 'heads' is unknown; choose one of nothing, backbone"),
    ],
)
def test_contradictions_are_refused(changes, words):
    with pytest.raises(ArgumentError) as caught:
        config(**changes)
    assert words in str(caught.value)


def test_nobody_is_trained_on_and_judged_by():
    frames = dataclasses.replace(config().frames, subjects=("a", "b"))
    with pytest.raises(ArgumentError, match="val_subjects: b are trained on, too"):
        config(frames=frames, val_subjects=("b", "c"))


def test_it_reads_back_what_it_wrote(start):
    from pain3d.model import codec
    from pain3d.train.mixture import MixConfig

    made = dataclasses.replace(small("linear_probe", start), mix=MixConfig(dataset="other", ratio=0.25))
    assert codec.from_json(TrainConfig, made.to_json(), "test") == made


def test_the_recipes_say_what_the_official_fine_tuning_says():
    made = recipe("finetune_unbc", init="vitpain-tiny", size="paper")
    assert (made.batch_size, made.lr, made.lr_heads, made.min_lr, made.weight_decay) == (100, 1e-5, 1e-4, 1e-6, 0.1)
    assert made.samples == 50 * (48_398 * 4 // 5) and made.precision == "fp16" and made.clip == 1.0
    assert made.frames.pain_weight == 2.0 and made.task.aus == 0.1 * made.task.pspi
    assert made.model == ViTPain.from_pretrained("vitpain-tiny").config and made.init == "vitpain-tiny"
    probe = recipe("linear_probe", init="vitpain-tiny", size="paper")
    assert (probe.freeze, made.freeze) == ("backbone", "nothing")
    tiny = recipe("finetune_unbc", init="vitpain-tiny")
    assert tiny.device == "cpu" and tiny.steps() * tiny.batch_size <= 10_000


@pytest.mark.parametrize(
    ("words", "call"),
    [
        ("init: not given, but linear_probe starts from a model", {"kind": "linear_probe"}),
        ("teacher: t is given, but finetune_unbc has none", {"kind": "finetune_unbc", "init": "m", "teacher": "t"}),
        ("neutral: True, but finetune_unbc keeps the arch", {"kind": "finetune_unbc", "init": "m", "neutral": True}),
    ],
)
def test_what_does_not_go_with_a_transfer_is_refused(words, call):
    with pytest.raises(ArgumentError) as caught:
        recipe(**call)
    assert words in str(caught.value)


def test_a_teacher_is_not_fine_tuned(tmp_path):
    teacher = ViTPain(model_config("heatmap")).save_pretrained(tmp_path / "teacher")
    with pytest.raises(ArgumentError, match="reads heatmaps"):
        recipe("finetune_unbc", init=str(teacher))


def test_few_subjects_are_drawn_by_the_seed_and_nested(learning_dataset):
    training = set(subjects_of(learning_dataset, "train"))
    drawn = [few_shot(learning_dataset, count, seed=4) for count in range(1, 8)]
    for fewer, more in pairwise(drawn):
        assert set(fewer) < set(more) <= training
    assert len({few_shot(learning_dataset, 2, seed=seed) for seed in range(8)}) > 1
    with pytest.raises(ArgumentError, match=r"few_shot: 8 subjects, but .* has 7 to draw from; give 1 to 7"):
        few_shot(learning_dataset, 8, seed=0)


def test_few_subjects_of_data_without_a_split_spare_those_held_out(unbc, start):
    made = recipe("finetune_unbc", init=str(start))
    with pytest.raises(ArgumentError, match="has no train split to draw from; name val_subjects"):
        with_data(made, unbc, DataChoice(few_shot=2))
    choice = DataChoice(few_shot=2, val_subjects=JUDGED, held_out=real.SUBJECTS[:1])
    found = with_data(made, unbc, choice)
    assert (found.frames.subjects, found.val_subjects) == (real.SUBJECTS[1:3], JUDGED)


def test_references_are_those_that_the_dataset_has(unbc, learning_dataset, tmp_path):
    compares = ViTPain(model_config(neutral=True)).save_pretrained(tmp_path / "model")
    made = recipe("finetune_unbc", init=str(compares))
    assert with_data(made, learning_dataset, DataChoice()).frames.neutral == "other_view"
    both = with_data(made, unbc, DataChoice(mix=learning_dataset, mix_ratio=0.25))
    assert (both.frames.neutral, both.mix.neutral, both.mix.ratio) == ("reference", "other_view", 0.25)
    run = small("finetune_unbc", compares, samples=8)
    found = with_data(run, unbc, DataChoice(subjects=TRAINED, val_subjects=JUDGED, mix=learning_dataset, mix_ratio=0.5))
    assert train(unbc, tmp_path / "run", found).steps == 1


def test_real_subjects_are_mixed_in_by_name(unbc, learning_dataset, tmp_path):
    made = dataclasses.replace(recipe("rgb"), samples=16, batch_size=8)
    unnamed = with_data(made, learning_dataset, DataChoice(mix=unbc, mix_ratio=0.5))
    with pytest.raises(DataError, match=r"no train frames to mix in; name those of its subjects that are"):
        train(learning_dataset, tmp_path / "run", unnamed)
    choice = DataChoice(mix=unbc, mix_ratio=0.5, mix_subjects=TRAINED)
    assert train(learning_dataset, tmp_path / "run", with_data(made, learning_dataset, choice)).steps == 2
    assert json.loads((tmp_path / "run" / "config.json").read_text())["mix"]["frames"] == len(real.rows())


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({"subjects": ("a",), "few_shot": 2}, "few_shot: 2 subjects are to be drawn, but subjects are named"),
        ({"held_out": ("a",)}, "held_out: given, but no subjects are drawn"),
        ({"mix": "x"}, "mix: x, mix_ratio: None; a mixture needs both"),
        ({"mix_ratio": 0.5}, "mix: None, mix_ratio: 0.5; a mixture needs both"),
        ({"mix_subjects": ("a",)}, "mix_subjects: named, but no dataset is mixed in"),
    ],
)
def test_choices_that_contradict(choice, words):
    with pytest.raises(ArgumentError) as caught:
        DataChoice(**choice)
    assert words in str(caught.value)


def test_uncoded_aus_leave_the_loss_finite_and_are_not_learnt():
    from test_losses import labels, outputs

    from pain3d.train.losses import task_loss

    known = labels()
    hidden = known.aus.clone()
    hidden[0, 0], hidden[1, 5] = float("nan"), float("nan")
    terms = task_loss(outputs(), dataclasses.replace(known, aus=hidden), TaskWeights())
    assert terms["aus"].item() == 0  # the one wrong intensity is the one that is not coded
    assert terms["au43"].item() == pytest.approx(0.6931472)
    nothing = dataclasses.replace(known, aus=torch.full_like(known.aus, float("nan")))
    assert {name: task_loss(outputs(), nothing, TaskWeights())[name].item() for name in ("aus", "au43")} == {
        "aus": 0,
        "au43": 0,
    }
