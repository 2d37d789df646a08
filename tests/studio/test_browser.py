"""The page in a real browser: load, move, read, render, download, refuse; and two visitors who do not meet."""

import json
import time

import numpy as np
import pytest
from running import PLAIN, running, without_long_probing

import pain3d
from pain3d.facs import AU_NAMES, Expression
from pain3d.render.heatmap import pain_displacement_mm
from pain3d.skin import looks
from pain3d.studio.page import NoPageError, page

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: no browser to look through")

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--no-sandbox"]
"""Draws without a graphics card."""
SEED = 12
START = f"?seed={SEED}&{PLAIN}&resolution=128"


@pytest.fixture(scope="module")
def studio():
    try:
        built = page()
    except NoPageError as error:
        pytest.skip(f"the page cannot be built here: {error}")
    with pytest.MonkeyPatch.context() as patch, running(built) as one:
        without_long_probing(patch)
        yield one


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as play:
        try:
            opened = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        except sync_api.Error as error:
            pytest.skip(f"no Chromium at {CHROMIUM}: {str(error).splitlines()[0]}")
        yield opened
        opened.close()


class Visit:
    """A page, and all it complained about or asked others for."""

    def __init__(self, browser, studio, query: str, **options) -> None:
        self.address = studio.address
        self.context = browser.new_context(viewport={"width": 960, "height": 640}, accept_downloads=True, **options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(60_000)
        self.complaints: list[str] = []
        self.elsewhere: list[str] = []
        self.page.on("console", lambda said: said.type == "error" and self.complaints.append(said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._asked)
        self.page.goto(studio.address + query)
        self.page.wait_for_selector("body[data-head=whole]")

    def _asked(self, request) -> None:
        if not request.url.startswith((self.address, f"blob:{self.address}")):
            self.elsewhere.append(request.url)

    def until(self, true) -> None:
        end = time.monotonic() + 60
        while not true():
            assert time.monotonic() < end, "waited in vain"
            self.page.wait_for_timeout(30)

    def picture(self) -> str:
        """The live head, once all that is known is drawn."""
        return self.page.evaluate(
            """() => new Promise((done) => {
              studio.stage.invalidate(true);  // draws in the next frame, before what follows
              requestAnimationFrame(() => done(studio.stage.canvas.toDataURL()));
            })"""
        )

    def preset(self, name: str) -> None:
        self.page.click(f"[data-preset='{name}']")

    def pspi(self) -> str:
        return self.page.inner_text("#pspi")

    def download(self, kind: str) -> tuple[str, bytes]:
        with self.page.expect_download() as waiting:
            self.page.click(f"[data-export={kind}]")
        file = waiting.value
        return file.suggested_filename, file.path().read_bytes()


@pytest.fixture(scope="module")
def visit(browser, studio):
    one = Visit(browser, studio, START)
    yield one
    one.context.close()


@pytest.fixture(autouse=True)
def at_rest(request):
    """Every test begins with the neutral face, and ends without a complaint."""
    if "visit" not in request.fixturenames:
        yield
        return
    visit = request.getfixturevalue("visit")
    visit.page.click("#tab-face")
    visit.preset("neutral")
    yield
    assert visit.complaints == [] and visit.elsewhere == []


def test_a_key_on_a_slider_moves_face_and_score(visit):
    rest = visit.picture()
    slider = visit.page.get_by_label("AU4 brow lowerer", exact=True)
    slider.focus()
    slider.press("End")
    assert visit.pspi() == "5"
    assert visit.page.inner_text("#formula .counts") == "AU4 5"
    assert slider.get_attribute("aria-valuetext") == "5, level E"
    assert "AU4=5" in visit.page.url
    moved = visit.picture()
    assert moved != rest
    slider.press("Home")
    assert visit.pspi() == "0" and visit.picture() == rest


def test_presets_score_as_the_formula_says(visit):
    seen = {}
    for name in ("severe", "smile", "surprise", "neutral"):
        visit.preset(name)
        seen[name] = (visit.pspi(), visit.picture())
    assert [score for score, _ in seen.values()] == ["14", "3", "0", "0"]
    assert len({picture for _, picture in seen.values()}) == 4
    visit.preset("severe")
    assert visit.page.inner_text("#counts") == "Counted just now: AU4, AU7, AU10, AU43."


def test_the_mesh_and_its_heat_are_the_rigs_to_a_millimetre(visit):
    expression = Expression(AU4=4, AU6=3, AU7=4, AU9=3, AU10=4, AU12=2, AU25=2, AU43=1)
    head = pain3d.Subject.sample(SEED, looks=looks.PLAIN).head
    moved = head.pose(expression.vector)
    wanted = pain_displacement_mm(head, expression, moved)
    found = visit.page.evaluate(
        """(aus) => {
          const { head } = studio.stage;
          head.act(aus);
          head.heat(aus);
          const { kept } = head.skin.geometry.userData;
          const points = kept.map((_, i) => head.skin.getVertexPosition(i, head.skin.position.clone()).toArray());
          return { kept, heat: [...head.heatAttribute.array], points };
        }""",
        dict(expression.items()),
    )
    kept = np.array(found["kept"])
    off_mm = np.abs(np.array(found["heat"]) - wanted[kept])
    assert wanted.max() > 5 and off_mm.max() < 2.0 and np.median(off_mm) < 0.2
    bare = head.topology.measured[kept]
    apart_mm = 1000 * np.linalg.norm(np.array(found["points"]) - moved.vertices_m[kept], axis=1)[bare]
    assert np.median(apart_mm) < 0.5


def test_heat_shows_and_goes_again(visit):
    visit.preset("moderate")
    before = visit.picture()
    visit.page.click("#heat")
    assert visit.page.is_visible("#legend") and "mm" in visit.page.inner_text("#legend-most")
    heated = visit.picture()
    visit.page.click("#heat")
    assert heated != before and visit.picture() == before


def test_beside_rest_stands_the_face_at_rest(visit):
    visit.preset("severe")
    visit.page.click("#compare")
    visit.picture()
    assert visit.page.is_visible("#rest")
    assert visit.page.evaluate(
        "() => document.getElementById('rest').toDataURL() !== document.getElementById('stage').toDataURL()"
    )
    visit.page.click("#compare")
    assert not visit.page.is_visible("#rest")


def test_the_renderer_s_picture_and_what_is_read_in_it(visit, studio):
    visit.page.click("#tab-where")
    visit.page.select_option("select[name=resolution]", "256")
    visit.page.click("#tab-face")
    visit.preset("severe")
    visit.page.click("#render")
    visit.page.wait_for_selector("#read-pspi")
    assert 5 < float(visit.page.inner_text("#read-pspi").split()[0]) <= 16
    shown = {}
    for layer in ("picture", "heat", "attention", "rest"):
        visit.page.click(f"[data-layer={layer}]")
        visit.page.wait_for_selector(f"#photo[data-layer={layer}]")
        visit.until(lambda: visit.page.evaluate("() => document.getElementById('photo').naturalWidth") == 256)
        shown[layer] = visit.page.get_attribute("#photo", "src")
    assert len(set(shown.values())) == 4
    visit.preset("mild")
    assert "render again" in visit.page.inner_text("#photo-note")


def test_what_is_taken_home_is_what_the_command_makes(visit, studio):
    visit.preset("moderate")
    visit.page.click("#tab-take")
    query = visit.page.url.partition("?")[2]
    visit.until(lambda: "AU10=2" in visit.page.inner_text("#command"))
    assert visit.page.inner_text("#command").startswith("pain3d face face.png --aus AU4=2,AU6=2,AU7=2,AU10=2,AU25=1")
    for kind, name in (("png", "face.png"), ("json", "face.json"), ("heatmap", "face.heatmap.png")):
        suggested, content = visit.download(kind)
        assert suggested == name and content == studio.ask(f"api/export/{kind}?{query}").content
    assert json.loads(studio.ask(f"api/export/json?{query}").content)["PSPI"] == 6


def test_the_exported_head_opens_in_three_js_and_moves(visit):
    visit.page.click("#tab-take")
    suggested, content = visit.download("glb")
    assert suggested == "head.glb" and content[:4] == b"glTF"
    found = visit.page.evaluate(
        """async () => {
          const bytes = await (await fetch("api/export/glb" + location.search)).arrayBuffer();
          const mask = new Uint8Array(await (await fetch("api/measured")).arrayBuffer());
          const head = await studio.loadHead(bytes, mask, studio.stage);
          const place = head.skin.position.clone();
          const { kept } = head.skin.geometry.userData;
          const at = () => kept.map((_, i) => head.skin.getVertexPosition(i, place).toArray());
          const apart = (one, other) => Math.hypot(...one.map((x, k) => x - other[k]));
          const moved = {};
          const rest = at();
          for (const name of Object.keys(head.about.units)) {
            head.act({ [name]: name === "AU43" ? 1 : 5 });
            moved[name] = 1000 * Math.max(...at().map((point, i) => apart(point, rest[i])));
          }
          return { moved, meshes: head.meshes.length, names: Object.keys(head.skin.morphTargetDictionary) };
        }"""
    )
    assert found["meshes"] >= 4 and found["names"][:16] == list(AU_NAMES)
    assert all(2.0 < millimetres < 60 for millimetres in found["moved"].values()), found["moved"]


def test_playing_passes_over_the_apex_and_comes_back(visit):
    visit.preset("severe")
    before = visit.picture()
    visit.page.click("#play")
    scores = set()

    def ended() -> bool:
        scores.add(float(visit.pspi()))
        return visit.page.get_attribute("#play", "aria-pressed") == "false"

    visit.until(lambda: visit.page.get_attribute("#play", "aria-pressed") == "true")
    visit.until(ended)
    assert min(scores) < 2 and max(scores) > 11
    assert visit.pspi() == "14" and visit.picture() == before


def test_a_bad_value_in_a_box_is_refused(visit):
    box = visit.page.get_by_label("AU4 brow lowerer, exact")
    box.fill("9")
    box.press("Enter")
    visit.page.wait_for_selector("#message:not([hidden])")
    assert visit.page.inner_text("#message-text") == (
        "AU4: intensity 9 is outside 0..5; FACS levels A..E are 1..5, 0 is absent"
    )
    assert box.input_value() == "0" and visit.pspi() == "0"
    visit.page.click("#message-close")
    box.fill("2.5")
    box.press("Enter")
    visit.until(lambda: visit.pspi() == "2.5")
    assert [said for said in visit.complaints if "422" not in said] == []
    visit.complaints.clear()  # Chromium itself notes the refusal


def test_tabs_are_walked_with_arrow_keys(visit):
    visit.page.focus("#tab-face")
    visit.page.keyboard.press("ArrowRight")
    assert visit.page.is_visible("#panel-who") and not visit.page.is_visible("#panel-face")
    assert visit.page.inner_text(".facts").count("Monk") == 1
    visit.page.keyboard.press("ArrowLeft")
    assert visit.page.is_visible("#panel-face")


def test_a_bad_address_is_refused_and_two_visitors_do_not_meet(visit, browser, studio):
    other = Visit(browser, studio, f"{START}&AU4=9&sex=x&colour=red&AU12=3", color_scheme="dark")
    said = other.page.inner_text("#message-text")
    for words in ("AU4: intensity 9 is outside 0..5", "sex: 'x' is unknown", "colour: is no setting of the studio"):
        assert words in said
    assert "Traceback" not in said
    assert "AU12=3" in other.page.url and "colour" not in other.page.url and "AU4" not in other.page.url
    mine = visit.picture()
    other.preset("severe")
    assert (visit.pspi(), other.pspi()) == ("0", "14")
    other.picture()
    assert visit.picture() == mine and "AU4" not in visit.page.url
    other.page.set_viewport_size({"width": 390, "height": 800})
    assert other.page.evaluate("() => document.documentElement.scrollWidth") <= 390
    assert [said for said in other.complaints if "422" not in said] == [] and other.elsewhere == []
    other.context.close()
