"""`pain3d` against an S3 server: made, killed, gone on with, finished, checked, read; the bytes are those of a disk."""

import os
import subprocess
import sys
import time

import fsspec
import pytest
import s3_server

import pain3d
from pain3d import cli
from pain3d.errors import DataError
from pain3d.skin.looks import PLAIN
from pain3d.synth.generate import finish_dataset, generate
from pain3d.synth.plan import PlanConfig

CONFIG = PlanConfig(
    **vars(PLAIN), subjects=4, expressions=1, views=1, resolution=32, subjects_per_shard=1, seed=3
)  # fmt: skip
WORDS = ["--subjects=4", "--expressions=1", "--views=1", "--resolution=32", "--subjects-per-shard=1", "--seed=3"]
WORDS += ["--skin=procedural", "--hair=cap", "--no-wrinkles", "--no-wet"]
URL = "s3://shop/faces"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "OUT"
    generate(out, CONFIG, workers=1)
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


@pytest.fixture
def server(monkeypatch):
    with s3_server.serving(monkeypatch, "shop") as server:
        yield server


def held() -> dict[str, bytes]:
    files = fsspec.filesystem("s3", use_listings_cache=False)
    return {path.removeprefix("shop/faces/"): files.cat_file(path) for path in files.find("shop")}


def killed_after_a_shard(server) -> None:
    command = [sys.executable, "-m", "pain3d", "generate", URL, *WORDS, "--workers=2"]
    process = subprocess.Popen(command, env=os.environ.copy(), stderr=subprocess.PIPE, text=True)
    give_up_at = time.monotonic() + 300
    while not any(method == "PUT" and ".progress/" in path for method, path in server.requests):
        assert process.poll() is None and time.monotonic() < give_up_at
        time.sleep(0.02)
    process.kill()
    process.communicate()


def test_killed_gone_on_with_and_read(server, whole, capsys):
    killed_after_a_shard(server)
    with pytest.raises(DataError, match="not finished"):
        pain3d.open_dataset(URL)
    assert cli.main(["generate", URL, *WORDS, "--workers=1", "--json"]) == 0
    assert '"out": "s3://shop/faces"' in capsys.readouterr().out
    assert held() == whole
    assert cli.main(["audit", URL]) == 0
    assert cli.main(["show", URL]) == 0
    assert f"wrote {URL}/preview/contact_sheet.png" in capsys.readouterr().out
    assert [sample.frame_id for sample in pain3d.open_dataset(URL, "test")] == ["s00000-e00-v0", "s00000-e01-v0"]


def test_parts_and_finish(server, whole):
    for part in ("2/2", "1/2"):
        generate(URL, CONFIG, shard=part, workers=1)
    finish_dataset(URL)
    assert held() == whole
