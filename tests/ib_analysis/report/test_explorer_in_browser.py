"""The explorer in a headless Chromium: touch a point, move the slider, use keys, read what a screen reader hears."""

import json
from base64 import b64decode
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ib_analysis.point import Point
from ib_analysis.report.page import write_page
from tests.browser.devtools import Page, browser, chromium

AXE = Path(__file__).parents[2] / "browser/axe.min.js"
pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium here: .ci/run installs one")


@pytest.fixture(scope="module")
def opened():
    with browser(chromium()) as page:
        yield page


@pytest.fixture
def path(content, drawn, tmp_path):
    file = tmp_path / "report.html"
    write_page(file, replace(content, drawn=drawn))
    return file


@pytest.fixture
def page(opened, path) -> Page:
    opened.open(path)
    return opened


def shown(page) -> list[np.ndarray]:
    """The images of the selected point as the page holds them, decoded."""
    sources = page.run("[...document.querySelectorAll('#explorer-images img')].map((image) => image.src)")
    return [np.asarray(Image.open(BytesIO(b64decode(source.partition(",")[2])))) for source in sources]


def expected(drawn, point: Point) -> list[np.ndarray]:
    """The original of each group and its draws, from the samples themselves."""
    (samples,) = [s for s in drawn if s.network == point.network]
    found = []
    for i, original in enumerate(samples.originals):
        for image in (original, *(draw[i] for draw in samples.drawn[point])):
            found.append(np.rint(image[0] * (255 / 16)).astype(np.uint8))
    return found


def demand_images(page, drawn, point: Point) -> None:
    images, wanted = shown(page), expected(drawn, point)
    assert len(images) == len(wanted) == 12
    for image, right in zip(images, wanted, strict=True):
        np.testing.assert_array_equal(image, right)


def touch(page, name: str, regime: str = "classifier") -> None:
    """Click the mark of a point of the plane in the middle."""
    box = page.run(f"""(() => {{
        const point = document.querySelector('#explorer-planes [data-point="net, {regime} | 0 | {name}"] .mark');
        point.scrollIntoView({{block: "center"}});
        const box = point.getBoundingClientRect();
        return [box.x + box.width / 2, box.y + box.height / 2];
    }})()""")
    page.click(*box)


def name(page) -> str:
    return page.run("document.getElementById('explorer-name').textContent")


def test_the_images_are_those_of_the_point_that_is_touched(page, drawn):
    for epoch, tap, regime in (
        (0, "h1", "classifier"),
        (10, "logits", "classifier"),
        (0, "logits", "autoencoder"),
    ):
        touch(page, f"{tap} | {epoch}", regime)
        demand_images(page, drawn, Point("net", regime, 0, epoch, tap))
        assert name(page) == f"{tap} at epoch {epoch} · net, {regime}, seed 0"
    assert page.errors == []


def test_the_slider_moves_the_point_and_all_taps(page, drawn):
    touch(page, "h1 | 10")
    page.run("""(() => {
        const slider = document.getElementById("explorer-epoch");
        slider.value = 0;
        slider.dispatchEvent(new Event("input", {bubbles: true}));
    })()""")
    demand_images(page, drawn, Point("net", "classifier", 0, 0, "h1"))
    large = page.run("[...document.querySelectorAll('#explorer-planes .last')].map((g) => g.dataset.point)")
    regimes = ("classifier", "autoencoder")
    assert large == [f"net, {regime} | 0 | {tap} | 0" for regime in regimes for tap in ("h1", "logits")]


def test_keys_alone_reach_every_point(page, drawn):
    page.run("document.querySelector('#explorer-planes [tabindex=\"0\"]').focus()")
    assert name(page).startswith("logits at epoch 10")
    page.key("ArrowLeft")
    demand_images(page, drawn, Point("net", "classifier", 0, 0, "logits"))
    page.key("ArrowUp")
    demand_images(page, drawn, Point("net", "classifier", 0, 0, "h1"))
    assert page.run("document.activeElement.dataset.point") == "net, classifier | 0 | h1 | 0"
    page.key("End")
    assert name(page).startswith("h1 at epoch 10")


def test_every_control_is_reached_by_tab(page):
    page.run("document.getElementById('explorer-network').focus()")
    reached = []
    for _ in range(12):
        reached.append(page.run("document.activeElement.id || document.activeElement.getAttribute('role')"))
        page.key("Tab")
    assert {"explorer-seed", "explorer-tap", "explorer-play", "explorer-epoch", "button"} <= set(reached)


def test_play_goes_through_the_epochs_and_stops(page):
    touch(page, "h1 | 10")
    heard = page.run("""new Promise((resolve) => {
        const names = [], name = document.getElementById("explorer-name");
        new MutationObserver(() => names.push(name.textContent.split(" · ")[0])).observe(name, {childList: true});
        document.getElementById("explorer-play").click();
        setTimeout(() => resolve(names), 2500);
    })""")
    assert heard == ["h1 at epoch 0", "h1 at epoch 10"]
    assert page.run("document.getElementById('explorer-play').textContent") == "Play"


def test_the_curve_follows_the_selection_and_selects(page):
    box = page.run("""(() => {
        const mark = document.querySelector('#explorer-curve [data-point$="| logits | 0"] .mark');
        mark.scrollIntoView({block: "center"});
        const box = mark.getBoundingClientRect();
        return [box.x + box.width / 2, box.y + box.height / 2];
    })()""")
    page.click(*box)
    assert name(page).startswith("logits at epoch 0")
    ringed = page.run("[...document.querySelectorAll('.selected')].map((g) => g.dataset.point)")
    assert ringed == ["net, classifier | 0 | logits | 0"] * 2


def test_a_logarithmic_axis_says_what_it_cannot_show(content, drawn, tmp_path, opened):
    rows = [
        row.model_copy(update={"nats": -0.7, "bits": -0.7 / np.log(2), "low_bits": -2.0, "high_bits": 0.1})
        if (row.quantity, row.tap, row.epoch) == ("I(x;h)", "h1", 0) else row
        for row in content.rows
    ]  # fmt: skip
    write_page(tmp_path / "report.html", replace(content, rows=tuple(rows), drawn=drawn))
    opened.open(tmp_path / "report.html")
    count = "document.querySelectorAll('#explorer-planes .point').length"
    assert opened.run(count) == 8
    opened.run("document.getElementById('explorer-log-image').click()")
    assert opened.run(count) == 6
    assert "2 points at or below 0 bits" in opened.run(
        "document.getElementById('explorer-hidden').textContent"
    )


def test_images_are_enlarged_by_a_whole_number_and_not_smoothed(page):
    sizes = page.run("""[...document.querySelectorAll("#explorer-images img")].map((image) =>
        [image.width / image.naturalWidth, image.height / image.naturalHeight,
         getComputedStyle(image).imageRendering])""")
    assert {tuple(size) for size in sizes} == {(6, 6, "pixelated")}


def test_nothing_is_requested_from_the_network(page):
    touch(page, "h1 | 0")
    page.run("window.scrollTo(0, document.body.scrollHeight)")
    outside = [address for address in page.requests if not address.startswith("data:image/")]
    assert len(outside) == 1
    assert outside[0].startswith("file://")
    assert len(page.requests) > 12


def test_a_screen_reader_hears_names_and_values_and_no_data(page):
    tree = page.call("Accessibility.getFullAXTree")["nodes"]
    heard = [
        (node["role"]["value"], node.get("name", {}).get("value", "")) for node in tree if "role" in node
    ]
    assert ("button", "h1, epoch 0: I(x;h) 91.2 bits, I(y;h) 1.24 bits") in heard
    assert ("image", "Original of class 0") in heard
    assert ("image", "Draw 2 of class 0, image 2 from p(x|logits) at epoch 10") in heard
    assert not [name for _, name in heard if "base64" in name or "data:" in name]
    assert not [
        role for role, name in heard if role in ("image", "button", "slider", "combobox") and not name
    ]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1400, 375])
def test_no_serious_fault_of_accessibility(opened, path, width, dark):
    opened.open(path, width=width, dark=dark)
    opened.run("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
    opened.run(AXE.read_text(encoding="utf-8") + ";0")
    found = opened.run("axe.run().then((found) => JSON.stringify(found.violations))")
    serious = [
        (fault["id"], [node["target"] for node in fault["nodes"]][:3])
        for fault in json.loads(found)
        if fault["impact"] in ("serious", "critical")
    ]
    assert serious == []


@pytest.mark.parametrize("width", [1400, 375])
def test_nothing_is_wider_than_the_window(opened, path, width):
    opened.open(path, width=width)
    assert opened.run("document.documentElement.scrollWidth") <= width


def test_the_contents_mark_the_section_that_is_read(page):
    current = "document.querySelector('#contents [aria-current]').hash"
    assert page.run(current) == "#explorer"
    page.run("document.getElementById('limitations').scrollIntoView()")
    page.run("new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))")
    assert page.run(current) == "#limitations"


def test_without_scripts_the_page_has_its_sheets_and_tables_and_no_empty_explorer(opened, path):
    opened.open(path, scripts=False)
    seen = "(id) => getComputedStyle(document.getElementById(id)).display"
    assert opened.run(f"({seen})('explorer')") == "none"
    assert opened.run(f"({seen})('samples')") == "block"
    assert opened.run("document.querySelector('#samples img').naturalWidth") > 0
    opened.call("Emulation.setScriptExecutionDisabled", value=False)
