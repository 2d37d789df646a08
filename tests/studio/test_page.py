"""The page is built from its sources by npm; its arithmetic is Python's; heads pass the Khronos validator."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from running import without_long_probing

import pain3d
from pain3d import cli
from pain3d.face.rig import LEVEL_WEIGHTS, LEVELS
from pain3d.facs import AU_DESCRIPTIONS, AU_INDEX, AU_NAMES, PAIN_AUS, Expression
from pain3d.gltf.export import export_glb, quick_glb
from pain3d.gltf.morphs import USUAL, deviation_of, quick_morphs
from pain3d.skin.looks import PLAIN, Looks
from pain3d.studio import page as pages
from pain3d.studio.page import STAMP, WEB, NoPageError, fetch, run_npm, sources_sha256


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    """The sources with the packages they are built with."""
    folder = tmp_path_factory.mktemp("npm") / "web"
    try:
        fetch(folder)
    except NoPageError as error:
        pytest.skip(f"npm cannot fetch the page's packages here: {error}")
    return folder


def test_npm_builds_a_page_of_these_sources(web, tmp_path):
    run_npm(["run", "build", "--", str(tmp_path / "page")], web)
    made = {path.name for path in (tmp_path / "page").iterdir()}
    assert {"index.html", "main.js", "style.css", "icon.svg", STAMP} <= made
    assert (tmp_path / "page" / STAMP).read_text().strip() == sources_sha256()
    html = (tmp_path / "page" / "index.html").read_text()
    assert "http" not in html and "<style" not in html and "onclick" not in html
    assert "three" in (tmp_path / "page" / "main.js.LEGAL.txt").read_text().lower()


def test_versions_are_exact():
    wanted = json.loads((WEB / "package.json").read_text())
    locked = json.loads((WEB / "package-lock.json").read_text())["packages"]
    for name, version in {**wanted["dependencies"], **wanted["devDependencies"]}.items():
        assert locked[f"node_modules/{name}"]["version"] == version
        assert locked[f"node_modules/{name}"]["integrity"].startswith("sha512-")


def test_without_npm_the_command_says_what_to_do(monkeypatch, tmp_path, capfd):
    monkeypatch.setenv("PAIN3D_CACHE", str(tmp_path))
    monkeypatch.setattr(pages, "BUILT_IN", tmp_path / "none")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert cli.main(["studio"]) == 1
    assert capfd.readouterr().err == (
        f"{pages.BUILDING}\npain3d: error: npm: is not installed, and this installation comes without the built page; "
        "install Node.js 18 or later (it brings npm), then run pain3d studio again\n"
    )


def test_without_the_server_s_packages_the_command_says_what_to_do(monkeypatch, capfd):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "pain3d.studio.serve", raising=False)
    assert cli.main(["studio"]) == 2
    assert capfd.readouterr().err == (
        "pain3d: error: studio: needs uvicorn, which is not installed; run pip install 'pain3d[studio]'\n"
    )


def test_a_page_of_other_sources_is_not_taken(monkeypatch, tmp_path):
    built = tmp_path / "page"
    built.mkdir()
    monkeypatch.setattr(pages, "BUILT_IN", built)
    (built / STAMP).write_text(f"{sources_sha256()}\n")
    assert pages.page() == built
    (built / STAMP).write_text("0" * 64)
    monkeypatch.setenv("PAIN3D_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoPageError):
        pages.page()


def test_the_page_scores_as_python_does():
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed: the page's arithmetic cannot be run here")
    rng = np.random.default_rng(3)
    faces = [
        {name: int(rng.integers(2)) if name == "AU43" else float(np.round(rng.uniform(0, 5), 1)) for name in AU_NAMES}
        for _ in range(60)
    ]
    about = {
        "units": dict(AU_DESCRIPTIONS),
        "intensity_to_weight": {"levels": LEVELS, "weights": LEVEL_WEIGHTS},
        "correctives": {
            "pair": {"units": ["AU6", "AU7"], "weight": "w1w2"},
            "half": {"units": ["AU4"], "weight": "4w(1-w)"},
        },
    }  # fmt: skip
    script = (
        f"import * as facs from {json.dumps((WEB / 'src' / 'facs.js').as_uri())};"
        "const {faces, about} = JSON.parse(await new Response(process.stdin).text());"
        "console.log(JSON.stringify(faces.map((face) => ({pspi: facs.pspi(face), counted: [...facs.counted(face)],"
        "weights: facs.morphWeights(face, about)}))));"
    )
    words = [node, "--input-type=module", "-e", script]
    done = subprocess.run(words, input=json.dumps({"faces": faces, "about": about}), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for face, said in zip(faces, json.loads(done.stdout), strict=True):
        expression = Expression(**face)
        assert said["pspi"] == pytest.approx(expression.pspi)
        rivals = {"AU6": "AU7", "AU7": "AU6", "AU9": "AU10", "AU10": "AU9"}
        assert set(said["counted"]) == {
            name for name in PAIN_AUS if face[name] > 0 and face[name] >= (face[rivals[name]] if name in rivals else 0)
        }
        weights = np.interp(expression.vector, LEVELS, LEVEL_WEIGHTS)
        weights[AU_INDEX["AU43"]] = face["AU43"]
        assert [said["weights"][name] for name in AU_NAMES] == pytest.approx(list(weights))
        six, seven, four = (weights[AU_INDEX[name]] for name in ("AU6", "AU7", "AU4"))
        assert said["weights"]["pair"] == pytest.approx(six * seven)
        assert said["weights"]["half"] == pytest.approx(4 * four * (1 - four))


def test_heads_pass_the_khronos_validator(web, tmp_path, monkeypatch):
    without_long_probing(monkeypatch)
    dressed = pain3d.Subject.sample(12, looks=Looks(skin="procedural", glasses=1.0, cannula=1.0))
    plain = pain3d.Subject.sample(3, looks=PLAIN)
    export_glb(dressed, tmp_path / "dressed.glb")
    (tmp_path / "quick.glb").write_bytes(quick_glb(plain))
    words = ["node", "validate.mjs", str(tmp_path / "dressed.glb"), str(tmp_path / "quick.glb")]
    done = subprocess.run(words, cwd=web, capture_output=True, text=True, check=True)
    for report in json.loads(done.stdout):
        assert report["errors"] == 0, report["messages"]
        assert report["triangles"] > 40_000


def test_the_quick_head_is_close_to_the_rig():
    head = pain3d.Subject.sample(12, looks=PLAIN).head
    morphs = quick_morphs(head)
    assert [target.name for target in morphs.targets[16:]] == [f"{one} with {other}" for one, other in USUAL]
    deviation = deviation_of(head, morphs)
    assert deviation.largest_mm < 3.0 and deviation.median_mm < 1.0
