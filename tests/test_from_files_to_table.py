"""From the files that a user holds to the final table: three commands on a small copy of UNBC's HDF5 form."""

from __future__ import annotations

import json

from data import unbc_tree
from train.toy import model_config

from pain3d.cli import main
from pain3d.model.vitpain import ViTPain

FRAMES = tuple(
    unbc_tree.Frame(subject=f"{number:03d}-{name}{number:03d}", sequence=f"{name}{number:03d}t1aaaff", number=frame)
    for number, name in ((42, "ll"), (43, "jh"), (47, "jl"), (48, "aa"), (49, "bm"))
    for frame in range(1, 8)
)


def test_from_hdf5_files_to_the_page(tmp_path, capfd):
    files = unbc_tree.hdf5(tmp_path / "files", frames=FRAMES)
    start = ViTPain(model_config(neutral=True), seed=5).save_pretrained(tmp_path / "start")
    data, run = tmp_path / "UNBC", tmp_path / "RUN"
    assert main(["import", "unbc", str(files), str(data)]) == 0
    folds = next(files.glob("UNBC_CVFolds*"))
    words = ["crossval", str(data), str(run), "--init", str(start), "--protocol", f"hdf5:{folds}"]
    words += ["--samples", "8", "--batch-size", "4", "--validation", "1", "--bootstrap", "100"]
    assert main(words) == 0
    assert main(["report", str(run), "--no-pictures"]) == 0
    assert "as published" in capfd.readouterr().out
    found = json.loads((run / "report.json").read_text(encoding="utf-8"))
    assert (found["frames"], found["subjects"], len(found["folds"])) == (30, 5, 5), "a reference of each is left out"
    assert found["columns"]["published"]["macro F1"]["half_width"] is not None
    assert found["provenance"]["dataset"]["source"]["form"]
    assert (run / "report.html").exists()
