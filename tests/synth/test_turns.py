"""Of processes that start on one machine at once, one prepares and the others find it done."""

import multiprocessing
import time

from pain3d.synth.turns import first_alone


def prepare(folder, start, answers):
    start.wait()
    with first_alone():
        mark = folder / "made"
        there = mark.exists()
        if not there:
            time.sleep(0.5)  # the others have come
            mark.touch()
        answers.put(there)


def test_one_makes_and_the_others_find(tmp_path, monkeypatch):
    monkeypatch.setenv("PAIN3D_CACHE", str(tmp_path / "cache"))
    context = multiprocessing.get_context("fork")
    answers, start = context.Queue(), context.Event()
    processes = [context.Process(target=prepare, args=(tmp_path, start, answers)) for _ in range(4)]
    for process in processes:
        process.start()
    start.set()
    assert sorted(answers.get(timeout=30) for _ in processes) == [False, True, True, True]
    for process in processes:
        process.join()


def test_where_nothing_can_be_locked_all_go(tmp_path, monkeypatch):
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("PAIN3D_CACHE", str(file / "cache"))
    with first_alone(), first_alone():
        pass
