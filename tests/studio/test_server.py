"""What the studio answers: pictures, numbers, refusals; to whom; and that visitors do not meet."""

import json
import shlex
import threading

import numpy as np
import pytest
from running import PLAIN, running

from pain3d import cli
from pain3d.demographics import ETHNICITIES, SEXES
from pain3d.face import makehuman
from pain3d.facs import AU_DESCRIPTIONS, AU_NAMES, PAIN_AUS, Expression, pspi_of_vectors
from pain3d.studio.kept import Kept
from pain3d.synth.timeline import Timeline

SMALL = f"{PLAIN}&resolution=64"


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    page = tmp_path_factory.mktemp("page")
    (page / "index.html").write_text("<!doctype html><title>studio</title>")
    with running(page) as one:
        yield one


def test_the_guide_tells_all_that_can_be_moved(studio):
    guide = studio.ask("api/guide").json()
    units = {unit["name"]: unit for unit in guide["units"]}
    assert tuple(units) == AU_NAMES
    assert all(units[name]["title"] == title and units[name]["does"] for name, title in AU_DESCRIPTIONS.items())
    assert [name for name in AU_NAMES if units[name]["counts"]] == [name for name in AU_NAMES if name in PAIN_AUS]
    assert tuple(guide["choices"]["ethnicity"]) == ETHNICITIES and tuple(guide["choices"]["sex"]) == SEXES
    scores = {preset["name"]: Expression(**preset["aus"]).pspi for preset in guide["presets"]}
    assert scores == {
        "neutral": 0, "mild": 3, "moderate": 6, "severe": 14, "smile": 3, "disgust": 4, "surprise": 0
    }  # fmt: skip
    assert "not felt pain" in guide["wording"]


def test_a_person_is_told_with_the_command_that_makes_the_picture(studio):
    person = studio.ask("api/person?seed=7&AU4=3&AU43=1&age_years=71&yaw=-12.5&light=studio&glasses=1&wet=0").json()
    assert (person["seed"], person["age_years"], person["pspi"]) == (7, 71, 4.0)
    assert person["command"] == (
        "pain3d face face.png --aus AU4=3,AU43=1 --seed 7 --age-years 71 --yaw -12.5 --light studio "
        "--no-wet --glasses 1"
    )
    assert 1 <= person["skin_tone_mst"] <= 10 and person["worn"] == ["glasses"]
    assert sum(person["anchors"].values()) == pytest.approx(1.0, abs=2e-3)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("AU4=9", "AU4: intensity 9 is outside 0..5; FACS levels A..E are 1..5, 0 is absent"),
        ("AU4=nan", "AU4: intensity is NaN; give a number from 0 to 5 (0 is absent)"),
        ("AU4=much", "AU4: 'much' is not a number; write for example AU4=3"),
        ("AU43=0.5", "AU43: intensity 0.5 is neither 0 nor 1; FACS codes eye closure as absent or present"),
        ("AU3=1", "AU3: is no setting of the studio"),
        ("seed=-1", "seed: -1 is outside 0..9223372036854775807"),
        ("seed=1e3", "seed: '1e3' is not a whole number; write for example seed=71"),
        ("seed=1&seed=2", "seed: is given twice; leave out one of the two"),
        ("age_years=17", "age_years: 17 is outside 18..95, the ages pain3d models"),
        ("sex=x", "sex: 'x' is unknown; choose one of female, male"),
        ("ethnicity=martian", "ethnicity: 'martian' is unknown"),
        ("light=moon", "light: 'moon' is unknown; choose one of "),
        ("yaw=inf", "yaw: inf is not finite"),
        ("pitch=200", "pitch: 200 is outside -180..180 degrees"),
        ("skin=/etc/passwd", "skin: '/etc/passwd' is none of diffusion, procedural, the skins of the studio"),
        ("skin=someone/model", "skin: 'someone/model' is none of diffusion, procedural"),
        ("hair=wig", "hair: 'wig' is none of cap, strands"),
        ("wet=yes", "wet: 'yes' is neither 0 nor 1; write for example wet=1"),
        ("gown=2", "gown: 2 is outside 0..1"),
        ("resolution=1025", "resolution: 1025 is more than 1024, the most of the studio"),
        ("light=" + "x" * 5000, "light: '" + "x" * 40 + "...' is unknown"),
        ("%3Cscript%3E=1", "<script>: is no setting of the studio"),
    ],
)
def test_a_bad_value_is_refused_in_words(studio, query, words):
    answer = studio.ask(f"api/person?{query}")
    assert answer.status == 422
    said = answer.json()
    assert said["error"].startswith(words) and len(said["error"]) < 600
    assert said["argument"] == words.partition(":")[0]
    assert "Traceback" not in said["error"]


@pytest.mark.parametrize("path", ["api/render.png", "api/head.glb", "api/skin/colour", "api/reading", "api/export/png"])
def test_every_address_refuses_alike(studio, path):
    answer = studio.ask(f"{path}?AU4=9")
    assert answer.status == 422 and answer.json()["argument"] == "AU4"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("seconds=1", "seconds: 1 is outside 2..60"),
        ("seconds=nan", "seconds: nan is not finite"),
        ("take=x", "seconds: '4' or take: 'x'"),
    ],
)  # fmt: skip
def test_a_bad_time_is_refused(studio, query, words):
    answer = studio.ask(f"api/timeline?{query}")
    assert answer.status == 422 and answer.json()["error"].startswith(words)


@pytest.mark.parametrize("path", ["api/nothing", "api/skin/teeth", "api/export/exe", "nothing", "../pyproject.toml"])
def test_what_is_not_there_is_404(studio, path):
    assert studio.ask(path).status == 404


def test_it_can_only_be_read(studio):
    assert studio.ask("api/guide", method="POST").status == 405
    assert studio.ask("api/render.png", method="DELETE").status == 405


def test_the_browser_is_told_to_load_nothing_from_elsewhere(studio):
    for path in ("", "api/guide", "api/person?AU4=9", "nothing"):
        headers = studio.ask(path).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "http" not in policy and "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff" and headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8765", 200), ("localhost:9", 200), ("LOCALHOST", 200), ("[::1]:80", 200), ("192.168.1.4", 200),
        ("evil.example", 403), ("localhost.evil.example:8765", 403), ("127.0.0.1.evil.example", 403), ("[::1", 403),
    ],
)  # fmt: skip
def test_a_name_that_could_be_bound_to_another_machine_is_refused(studio, host, status):
    answer = studio.ask("api/guide", Host=host)
    assert answer.status == status
    if status == 403:
        assert (
            answer.json()["error"] == f"host: {host!r} is not a name of this studio; open the address that it printed"
        )


@pytest.mark.parametrize(
    ("site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)]
)
def test_other_websites_may_not_ask(studio, site, status):
    assert studio.ask("api/guide", Sec_Fetch_Site=site).status == status


def test_the_command_makes_the_same_files_to_the_byte(studio, tmp_path, capfd):
    query = f"{SMALL}&seed=5&AU4=2.5&AU6=3&AU25=1&yaw=20&pitch=-4&light=bedside_lamp"
    words = shlex.split(studio.ask(f"api/person?{query}").json()["command"])
    assert words[:3] == ["pain3d", "face", "face.png"]
    out = tmp_path / words[2]
    assert cli.main(["face", str(out), *words[3:]]) == 0
    files = {kind: f"face.{kind}.png" for kind in ("heatmap", "segmentation")}
    for kind, name in {"png": "face.png", "json": "face.json", **files}.items():
        answer = studio.ask(f"api/export/{kind}?{query}")
        assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
        assert answer.content == (tmp_path / name).read_bytes(), name
    assert studio.ask(f"api/render.png?{query}").content == out.read_bytes()
    assert json.loads(studio.ask(f"api/export/json?{query}").content)["PSPI"] == 5.5


def test_head_mask_and_skins_fit_each_other(studio):
    head = studio.ask(f"api/head.glb?{SMALL}&seed=5").content
    assert head[:4] == b"glTF"
    mask = np.frombuffer(studio.ask("api/measured").content, np.uint8)
    assert np.array_equal(mask.astype(bool), makehuman.load().topology.measured)
    starts = {"colour": b"\xff\xd8\xff", "roughness": b"\x89PNG", "relief": b"\x89PNG"}
    for name, start in starts.items():
        picture = studio.ask(f"api/skin/{name}?{SMALL}&seed=5").content
        assert picture.startswith(start)
        assert picture in head, "a painted skin is the one that the head comes with"


def test_a_film_is_the_one_of_the_command_line(studio):
    film = studio.ask("api/timeline?seed=3&AU4=4&AU43=1&seconds=2&take=1").json()
    line = Timeline.draw(3, Expression(AU4=4, AU43=1), 2.0, 1)
    assert len(film["frames"]) == 2 * film["frames_per_second"] == 50
    for number in (0, 20, 30, 49):
        moment = line.at(number / 25)
        frame = film["frames"][number]
        assert frame["aus"] == pytest.approx(moment.acting.intensities, abs=1e-4)
        assert (frame["blink"], frame["yaw"]) == pytest.approx((moment.acting.blink, moment.yaw), abs=1e-3)
    assert sum(film["frames"][0]["aus"]) == 0 and max(frame["pspi"] for frame in film["frames"]) > 4
    assert pspi_of_vectors(np.array(film["frames"][25]["aus"])) >= film["frames"][25]["pspi"] - 1


def test_the_model_reads_the_picture(studio):
    query = f"{PLAIN}&seed=5&resolution=256&AU4=4&AU6=4&AU7=4&AU9=3&AU10=3"
    said = studio.ask(f"api/reading?{query}").json()
    assert said["true_pspi"] == 11 and said["face"]
    low, high = said["reading"]["interval"]
    assert 0 <= low <= said["reading"]["pspi"] <= high <= 16
    assert set(said["reading"]["aus"]) == set(PAIN_AUS)
    pictures = {name: studio.ask(f"api/{name}?{query}").content for name in ("attention.jpg", "heatmap.jpg")}
    assert all(content.startswith(b"\xff\xd8\xff") for content in pictures.values())
    assert len(set(pictures.values())) == 2


def test_a_picture_without_a_face_is_not_read(studio):
    query = f"{SMALL}&seed=5&yaw=180"
    said = studio.ask(f"api/reading?{query}").json()
    assert (said["face"], said["reading"]) == (False, None)
    answer = studio.ask(f"api/attention.jpg?{query}")
    assert answer.status == 422 and "no face" in answer.json()["error"]


def test_visitors_do_not_meet(studio):
    queries = [f"{SMALL}&seed={seed}&AU4={seed % 3}" for seed in (5, 6)]
    alone = [studio.ask(f"api/render.png?{query}").content for query in queries]
    found: dict[int, list[bytes]] = {0: [], 1: []}

    def visit(number: int) -> None:
        for light in ("studio", "dim_ward"):
            studio.ask(f"api/render.png?{queries[number]}&light={light}")
            found[number].append(studio.ask(f"api/render.png?{queries[number]}").content)

    visitors = [threading.Thread(target=visit, args=(number,)) for number in found]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    assert found == {number: [alone[number]] * 2 for number in found}
    assert alone[0] != alone[1]


def test_what_is_quick_to_tell_does_not_wait_for_pictures(studio):
    slow = threading.Thread(target=studio.ask, args=(f"api/render.png?{PLAIN}&seed=9&resolution=512",))
    slow.start()
    assert studio.ask("api/person?seed=9").status == 200
    assert slow.is_alive(), "the person was told while the picture was being made"
    slow.join()


def test_only_the_last_few_are_kept():
    made = []

    def make(name):
        return lambda: made.append(name) or name

    kept = Kept(2)
    for name in "abacab":
        assert kept.get(name, make(name)) == name
    assert made == ["a", "b", "c", "b"] and len(kept) == 2
