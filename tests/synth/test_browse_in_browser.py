"""The dataset page in a real browser, opened from disk: filters, heat, keyboard, speed. No network, no server."""

import re
from pathlib import Path

import pyarrow.compute as pc
import pytest
from data import handmade, imported
from page_files import enlarge

from pain3d.data.audit import audit
from pain3d.data.reader import open_dataset
from pain3d.synth.browse.page import write_dataset_page

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = Path("/usr/bin/chromium")
pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed")

FRAMES = 82_500


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser):
    """Opens a page; at the end, neither errors nor addresses beyond the page's own folder may have come up."""
    said, asked, contexts = [], [], []

    def open_page(index, **options):
        contexts.append(browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options}))
        page = contexts[-1].new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(index.as_uri())
        page.locator(".pair").first.wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert said == []
    assert all(url.startswith(("file://", "blob:", "data:")) for url in asked)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp("browser") / "faces"
    handmade.dataset(out, handmade.manifest(subjects=20, expressions=4, distractors=1, views=2))
    write_dataset_page(out, report=audit(out))
    return out


@pytest.fixture(scope="module")
def large(made, tmp_path_factory):
    """A page of 82,500 frames."""
    folder = tmp_path_factory.mktemp("large") / "page"
    write_dataset_page(made, to=folder, embed_up_to=0)
    enlarge(folder, FRAMES)
    return folder / "index.html"


def index_of(out):
    return out / "preview" / "browse" / "index.html"


def count(page):
    return int(page.locator("#count").text_content().split()[0].replace(",", ""))


def test_filters_count_as_arrow_does(opened, made):
    page, labels = opened(index_of(made)), open_dataset(made).labels()
    assert count(page) == len(labels) == 240

    def passing(*conditions):
        found = conditions[0]
        for condition in conditions[1:]:
            found = pc.and_(found, condition)
        return pc.sum(found).as_py()

    strong = pc.greater_equal(labels["AU4"], 2)
    range_of = pc.and_(pc.greater_equal(labels["PSPI"], 3), pc.less_equal(labels["PSPI"], 12))
    women, left = pc.equal(labels["sex"], "female"), pc.equal(labels["view_id"], 1)
    page.select_option("select[aria-label^='AU4 ']", label="2 or more")
    assert count(page) == passing(strong)
    page.select_option("select[aria-label='PSPI from']", "3")
    page.select_option("select[aria-label='PSPI to']", "12")
    assert count(page) == passing(strong, range_of)
    offered = page.locator("[data-facet=sex] .choice", has_text="female").locator("b").text_content()
    page.locator("[data-facet=sex] .choice", has_text="female").click()
    assert count(page) == int(offered) == passing(strong, range_of, women)
    page.locator("[data-facet=view] .choice", has_text="turned left").click()
    expected = passing(strong, range_of, women, left)
    assert 0 < count(page) == expected < len(labels)

    page.click("#tab-distributions")
    bars = page.locator(".scores-chart em").all_text_contents()
    assert sum(int(number) for number in bars if number) == expected
    page.click("#tab-balance")
    cells = [row.locator("td").all_text_contents() for row in page.locator("#balance tbody tr").all()]
    passed = labels.filter(pc.and_(pc.and_(strong, range_of), pc.and_(women, left)))
    assert int(cells[-1][-1]) == expected
    assert int(cells[-1][-2]) == len(pc.unique(passed["subject_id"]))
    assert len(cells) - 1 == len(passed.group_by(["age_band", "sex", "ethnicity"]).aggregate([]))
    page.click("#reset")
    page.click("#tab-frames")
    assert count(page) == len(labels)
    assert "sound" in page.locator("#facts").text_content()


def test_heat_shows_on_hover_and_focus_and_the_keyboard_reaches_everything(opened, made):
    page = opened(index_of(made))
    page.select_option("#order", "strong")
    first = page.locator(".pair[data-position='0']")
    heat = first.locator(".over")
    assert heat.evaluate("element => getComputedStyle(element).opacity") == "0"
    first.hover()
    assert heat.evaluate("element => getComputedStyle(element).opacity") == "1"
    assert "blob:" in heat.evaluate("element => element.style.backgroundImage")
    page.mouse.move(0, 0)
    assert heat.evaluate("element => getComputedStyle(element).opacity") == "0"
    first.focus()
    assert heat.evaluate("element => getComputedStyle(element).opacity") == "1"
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.dataset.position") == "1"
    page.keyboard.press("End")
    assert page.evaluate("document.activeElement.dataset.position") == "239"
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    dialog = page.locator("dialog")
    sample = max(open_dataset(made), key=lambda sample: sample.pspi)
    said = dialog.text_content()
    assert f"PSPI {sample.pspi:g} = AU4 {sample.expression['AU4']:g} + max(" in said
    for words in ("brow lowerer", "mouth stretch", "Monk skin tone", "Seed of the subject", "displacement, at most"):
        assert words in said
    before = dialog.locator("header b").text_content()
    page.keyboard.press("ArrowRight")
    assert dialog.locator("header b").text_content() != before
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    assert page.evaluate("document.activeElement.dataset.position") == "1"
    page.check("#heat")
    assert page.locator(".pair.pain.lit").count() == page.locator(".pair.pain").count() > 5


def test_a_phone(opened, made):
    size = {"width": 390, "height": 844}
    page = opened(index_of(made), viewport=size, has_touch=True, is_mobile=True, color_scheme="dark")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.locator(".pair.pain").first.tap()
    page.locator("dialog .face").first.wait_for()
    assert page.locator("dialog figure.lit").count() == 1
    assert page.evaluate("document.querySelector('dialog').scrollWidth <= 390")


def test_an_imported_dataset_whose_names_are_hostile(opened, tmp_path):
    names = ("</script><script>window.hurt = 1</script>", '"><img src=x onerror="window.hurt = 1">', "plain")
    imported.dataset(tmp_path / "data", subjects=names, sequences=1, frames=4)
    page = opened(write_dataset_page(tmp_path / "data"))
    assert page.locator(".say em", has_text="onerror").count() == 4
    page.fill("input[type=search]", "</SCRIPT>")
    page.wait_for_function("document.getElementById('count').textContent.startsWith('4 of 12')")
    page.locator(".pair").first.click()
    assert "Read it in Python" in page.locator("dialog").text_content()
    page.keyboard.press("Escape")
    for tab in ("distributions", "balance", "audit"):
        page.click(f"#tab-{tab}")
    assert "made without an audit" in page.locator("#audit").text_content()
    assert page.evaluate("window.hurt") is None and page.locator("img").count() == 0


def test_82500_frames(opened, large):
    page = opened(large)
    assert count(page) == FRAMES
    assert page.locator(".pair").count() < 60, "only what is in sight is in the document"
    assert page.locator(".pair .face").nth(1).evaluate("e => e.style.backgroundImage").startswith('url("sheets/faces-')
    took = page.evaluate(
        """() => {
            const select = document.querySelector("select[aria-label^='AU4 ']");
            const times = ["2", "4", "0"].map((value) => {
                const start = performance.now();
                select.value = value;
                select.dispatchEvent(new Event("change"));
                return performance.now() - start;
            });
            return Math.min(...times);
        }"""
    )
    assert took < 500, "a filter answers at once"
    for far in (0.3, 0.8, 1.0):
        page.evaluate("far => window.scrollTo(0, far * document.documentElement.scrollHeight)", far)
        page.wait_for_function(
            "[...document.querySelectorAll('.pair')].every((cell) => cell.children[1].style.backgroundImage)"
        )
        assert page.locator(".pair").count() < 60
    last = max(int(each) for each in page.locator(".pair").evaluate_all("all => all.map((e) => e.dataset.position)"))
    assert last == FRAMES - 1
    numbers = re.findall(r"[\d,]+", page.locator("#facts").text_content())
    assert numbers[1] == "82,500"
