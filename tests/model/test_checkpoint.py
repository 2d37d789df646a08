"""Models on disk: what is saved comes back, and every damage is named."""

import json

import pytest
import torch
from huggingface_hub import HfApi
from safetensors.torch import load_file, save_file
from tiny_models import SIZE, model, pictures

from pain3d.errors import DataError, StorageError
from pain3d.model import checkpoint
from pain3d.model.calibration import Calibration
from pain3d.model.config import NeutralConfig
from pain3d.model.vitpain import ViTPain


@pytest.fixture
def folder(tmp_path):
    return model().save_pretrained(tmp_path / "model")


def edit(folder, change):
    path = folder / "config.json"
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


def edit_weights(folder, change):
    path = folder / "model.safetensors"
    weights = load_file(path)
    change(weights)
    save_file(weights, path)


def refuses(folder, message):
    with pytest.raises(DataError, match=message):
        ViTPain.from_pretrained(folder)


@pytest.mark.parametrize("stem", ["patch", "conv"])
def test_save_load_gives_equal_outputs(tmp_path, stem):
    subject = model(backbone_changes={"stem": stem}, neutral=NeutralConfig(heads=2), seed=5)
    image, neutral = pictures(2, 3, SIZE, SIZE), pictures(2, 1, 3, SIZE, SIZE, seed=1)
    subject.train()(image, neutral)  # the conv stem's running statistics move
    subject.calibration = Calibration(thresholds=(1.0, 2.0, 3.0), radii=(1.5,), provenance={"subjects": 3})
    folder = subject.eval().save_pretrained(tmp_path / "model", card="# A card\n")
    loaded = ViTPain.from_pretrained(str(folder))
    assert loaded.config == subject.config and loaded.calibration == subject.calibration and not loaded.training
    for name in ("cls", "patches", "attention", "pspi", "aus", "ordinal_logits"):
        assert torch.equal(getattr(loaded(image, neutral), name), getattr(subject(image, neutral), name)), name
    assert sorted(path.name for path in folder.iterdir()) == [
        *("README.md", "calibration.json", "config.json", "model.safetensors")
    ]


def test_a_model_without_calibration_leaves_none_of_another(tmp_path):
    subject = model()
    subject.calibration = Calibration(thresholds=(1.0, 2.0, 3.0), radii=(1.5,))
    subject.save_pretrained(tmp_path)
    subject.calibration = None
    subject.save_pretrained(tmp_path)
    assert ViTPain.from_pretrained(tmp_path).calibration is None


def test_a_run_folder_means_its_best_model(tmp_path):
    model().save_pretrained(tmp_path / "run" / "best")
    (tmp_path / "run" / "config.json").write_text('{"format": "pain3d run"}')
    assert ViTPain.from_pretrained(tmp_path / "run").config == model().config


def test_a_bundled_name_is_found_in_the_package(tmp_path, monkeypatch):
    model().save_pretrained(tmp_path / "vitpain-tiny")
    monkeypatch.setattr(checkpoint, "_bundled_home", lambda: tmp_path)
    assert checkpoint.bundled() == ["vitpain-tiny"]
    assert ViTPain.from_pretrained("vitpain-tiny").config == model().config
    refuses("vitpain-tinny", "model: 'vitpain-tinny' is no folder and no bundled model; bundled are: vitpain-tiny")


def test_an_offline_hub_is_a_kind_error(monkeypatch):
    def offline(*_, **__):
        raise OSError("no route to host\nmore")

    monkeypatch.setattr(checkpoint, "snapshot_download", offline)
    refuses(
        "someone/model", r"'someone/model' is no folder, and the Hugging Face Hub did not give it \(no route to host\)"
    )


def test_a_hub_id_is_downloaded(folder, monkeypatch):
    monkeypatch.setattr(checkpoint, "snapshot_download", lambda name, allow_patterns: str(folder))
    assert ViTPain.from_pretrained("someone/model").config == model().config


def test_push_uploads_the_files_of_save_pretrained(monkeypatch):
    seen = {}
    monkeypatch.setattr(HfApi, "create_repo", lambda _, repo_id, **options: seen.update(options, repo=repo_id))

    def upload(_, *, repo_id, folder_path, **__):
        seen["config"] = ViTPain.from_pretrained(folder_path).config
        return f"https://hub/{repo_id}"

    monkeypatch.setattr(HfApi, "upload_folder", upload)
    assert model().push_to_hub("me/model", private=True) == "https://hub/me/model"
    assert seen == {"private": True, "exist_ok": True, "repo": "me/model", "config": model().config}


def test_damaged_configurations_are_named(folder):
    text = (folder / "config.json").read_text()
    for change, message in [
        (lambda data: data.update(model_type="bert"), "config.json: is of model_type 'bert', not 'vitpain'"),
        (lambda data: data.update(format_version=9), "has format_version 9, this pain3d .* reads 1; use the version"),
        (lambda data: data.pop("encoder"), "config.json: encoder is missing"),
        (lambda data: data.update(encoder={"model_type": "vit"}), "encoder must describe a pretrained backbone"),
        (
            lambda data: (
                data["config"]["backbone"].update(pretrained="a/b"),
                data.update(encoder={"model_type": "x"}),
            ),
            "config.json: encoder: no backbone can be built from it",
        ),
        (lambda data: data["config"].update(colour=1), r"config: not the entries of ViTPainConfig \(unknown: colour\)"),
        (lambda data: data["config"]["backbone"].pop("heads"), r"config.backbone: .* \(missing: heads\)"),
        (lambda data: data["config"].update(image_size="big"), "config.image_size: 'big' is not of type int"),
        (lambda data: data["config"].update(image_size=33), "config: image_size: 33 is not a multiple of the patch"),
        (lambda data: data["config"]["backbone"].update(kind="cnn"), "config.backbone.kind: 'cnn' is none of"),
    ]:
        (folder / "config.json").write_text(text)
        edit(folder, change)
        refuses(folder, message)
    (folder / "config.json").write_text(text[: len(text) // 2])
    refuses(folder, "config.json: is not readable JSON")
    (folder / "config.json").unlink()
    refuses(folder, "holds no config.json, so it is no model")


def test_weights_of_another_model_are_named(folder):
    whole = (folder / "model.safetensors").read_bytes()
    for change, message in [
        (lambda w: w.pop("heads.queries"), "model.safetensors: does not fit its config.json: missing heads.queries;"),
        (lambda w: w.update(extra=torch.zeros(2)), "unexpected extra; the two are of different models"),
        (
            lambda w: w.update({"heads.queries": torch.zeros(6, 5)}),
            r"heads.queries is torch.float32 \[6, 5\] instead of",
        ),
        (lambda w: w.update({"heads.queries": w["heads.queries"].half()}), r"heads.queries is torch.float16 \[6, 32\]"),
    ]:
        (folder / "model.safetensors").write_bytes(whole)
        edit_weights(folder, change)
        refuses(folder, message)
    (folder / "model.safetensors").write_bytes(whole[:-100])
    refuses(folder, "model.safetensors: is damaged or truncated")
    (folder / "model.safetensors").unlink()
    refuses(folder, "model.safetensors: is missing; get the whole folder again")


def test_a_file_is_no_model(folder):
    refuses(folder / "config.json", "config.json: is a file; name the folder")


def test_a_folder_that_cannot_be_written_is_a_storage_error(tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(StorageError, match="taken: cannot be written"):
        model().save_pretrained(tmp_path / "taken")
