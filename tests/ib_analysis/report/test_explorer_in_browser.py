"""The explorer in a headless Chromium: touch a point, move the slider, use keys, read what a screen reader hears."""

import json
import re
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
from tests.browser.screenshots import take

AXE = Path(__file__).parents[2] / "browser/axe.min.js"
FRAMES = "new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))"
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
    page.click(f'#explorer-planes [data-point="net, {regime} | 0 | {name}"] .mark')


def choose(page, control: str, value: str) -> None:
    """Set a choice as a reader does; a checkbox is ticked by "on"."""
    page.run(f"""(() => {{
        const control = document.getElementById("{control}");
        if (control.type === "checkbox") control.checked = "{value}" === "on"; else control.value = "{value}";
        control.dispatchEvent(new Event("change", {{bubbles: true}}));
    }})()""")


def across(page) -> dict[str, float]:
    """Where the points of the classifier lie on the horizontal axis of its plane, as shares of its width."""
    found = page.run("""(() => {
        const plane = document.querySelector("#explorer-planes .plane svg");
        const axis = plane.querySelector(".axis").getBoundingClientRect();
        return Object.fromEntries([...plane.querySelectorAll(".point")].map((point) => {
            const box = point.querySelector(".mark").getBoundingClientRect();
            return [point.dataset.point, (box.x + box.width / 2 - axis.x) / axis.width];
        }));
    })()""")
    return {address.split(" | ", 2)[2]: share for address, share in found.items()}


def squeeze(rows):
    """The same rows, but logits keep a twentieth as much of the image."""
    return tuple(
        row.model_copy(update={name: getattr(row, name) / 20 for name in ("bits", "nats", "low_bits", "high_bits")})
        if row.quantity == "I(x;h)" and row.tap == "logits" else row
        for row in rows
    )  # fmt: skip


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


def test_the_slider_and_the_key_have_the_epochs_of_the_chosen_network_alone(opened, content, drawn, tmp_path):
    """The autoencoder was measured at epoch 0 alone."""
    rows = (r for r in content.rows if (r.regime, r.epoch) != ("autoencoder", 10))
    write_page(tmp_path / "report.html", replace(content, rows=tuple(rows), drawn=drawn))
    opened.open(tmp_path / "report.html")

    def offered():
        return opened.run("""[
            document.getElementById("explorer-epoch").max,
            ...[...document.querySelectorAll("#explorer-colours li")]
                .filter((item) => getComputedStyle(item).display !== "none").map((item) => item.textContent)
        ]""")

    assert offered() == ["1", "0", "10"]
    choose(opened, "explorer-network", "1")
    assert name(opened).endswith("at epoch 0 · net, autoencoder, seed 0")
    assert offered() == ["0", "0"]
    choose(opened, "explorer-network", "0")
    assert offered() == ["1", "0", "10"]


def test_keys_alone_reach_every_point(page, drawn):
    page.run("document.querySelector('#explorer-planes [tabindex=\"0\"]').focus()")
    assert name(page).startswith("h1 at epoch 10")
    page.key("ArrowLeft")
    demand_images(page, drawn, Point("net", "classifier", 0, 0, "h1"))
    page.key("ArrowDown")
    demand_images(page, drawn, Point("net", "classifier", 0, 0, "logits"))
    assert page.run("document.activeElement.dataset.point") == "net, classifier | 0 | logits | 0"
    page.key("End")
    assert name(page).startswith("logits at epoch 10")
    page.key("ArrowUp")
    assert name(page).startswith("h1 at epoch 10")


def test_every_control_is_reached_by_tab(page):
    page.run("document.getElementById('explorer-network').focus()")
    reached = []
    for _ in range(12):
        reached.append(page.run("document.activeElement.id || document.activeElement.getAttribute('role')"))
        page.key("Tab")
    assert {"explorer-seed", "explorer-zoom", "explorer-play", "explorer-epoch", "button"} <= set(reached)


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
    page.click("#explorer-curve [data-point$='| logits | 0'] .mark")
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
    choose(opened, "explorer-scale-image", "log")
    assert opened.run(count) == 6
    assert "2 points at or below 0 bits" in opened.run(
        "document.getElementById('explorer-hidden').textContent"
    )


def test_an_axis_on_which_late_taps_would_lie_together_is_logarithmic(content, drawn, tmp_path, opened):
    write_page(tmp_path / "report.html", replace(content, rows=squeeze(content.rows), drawn=drawn))
    opened.open(tmp_path / "report.html")
    found = across(opened)
    assert found["h1 | 0"] - found["h1 | 10"] < 0.05
    assert found["logits | 0"] - found["logits | 10"] < 0.05
    decades = np.log10(118.43 / ((55.67 - 1.66) / 20))  # from the least end of an interval to the ceiling
    wanted = np.log10(85.67 / (61.17 / 20)) / (1.12 * decades)
    assert found["h1 | 10"] - found["logits | 0"] == pytest.approx(wanted, abs=0.01)
    assert "log scale" in opened.run("document.querySelector('#explorer-planes svg').textContent")
    choose(opened, "explorer-scale-image", "linear")
    assert across(opened)["logits | 0"] < 0.15
    assert "log scale" not in opened.run("document.querySelector('#explorer-planes svg').textContent")


def test_an_axis_of_like_numbers_is_linear(page):
    assert "log scale" not in page.run("document.querySelector('#explorer-planes svg').textContent")


def test_zoom_gives_the_whole_plane_to_the_chosen_tap(page):
    touch(page, "logits | 10")
    before = across(page)
    choose(page, "explorer-zoom", "on")
    after = across(page)
    assert set(before) == {f"{tap} | {epoch}" for tap in ("h1", "logits") for epoch in (0, 10)}
    assert set(after) == {"logits | 0", "logits | 10"}
    assert after["logits | 0"] - after["logits | 10"] > 5 * (before["logits | 0"] - before["logits | 10"])
    assert "Zoomed to logits" in page.run("document.getElementById('explorer-hidden').textContent")
    page.key("Tab")
    choose(page, "explorer-zoom", "off")
    assert across(page) == before


def test_the_page_opens_at_the_tap_of_the_finding(content, drawn, stages, tmp_path, opened):
    told = stages[3].model_copy(update={"compression_verdict": "yes", "compression_low_bits": 5.0})
    write_page(tmp_path / "report.html", replace(content, stages=(told,), drawn=drawn))
    opened.open(tmp_path / "report.html")
    assert name(opened) == "h1 at epoch 10 · net, autoencoder, seed 0"
    assert "At h1 of net (autoencoder), I(x;h)" in opened.run(
        "document.querySelector('.finding').textContent"
    )


def test_seeds_are_chosen_one_by_one_or_as_their_mean(content, drawn, tmp_path, opened):
    second = tuple(
        row.model_copy(update={"seed": 1, "bits": row.bits + 2, "nats": row.nats + 2 * np.log(2)})
        for row in content.rows if row.seed == 0
    )  # fmt: skip
    write_page(tmp_path / "report.html", replace(content, rows=(*content.rows, *second), drawn=drawn))
    opened.open(tmp_path / "report.html")
    words = "document.getElementById('explorer-words').textContent"
    assert name(opened).endswith("mean over 2 seeds")
    assert "I(x;h) is 86.7 bits" in opened.run(words)
    assert "over 2 networks" in opened.run(words)
    for seed, bits in ((0, "85.7"), (1, "87.7")):
        choose(opened, "explorer-seed", str(seed))
        assert name(opened).endswith(f"seed {seed}")
        assert f"I(x;h) is {bits} bits" in opened.run(words)


def test_an_accessibility_fault_is_found(opened, path):
    opened.open(path)
    opened.run("document.querySelector('#explorer-images img').removeAttribute('alt')")
    opened.run("""(() => {
        const seed = document.getElementById("explorer-seed");
        seed.closest("label").replaceWith(seed);
    })()""")
    assert {fault for fault, _ in serious_faults(opened)} == {"image-alt", "select-name"}


def test_the_page_is_drawn_once_when_it_opens_and_again_when_its_width_changes(opened, path):
    """A second drawing would take away what a reader has just pressed."""
    watch = """<script>
        window.drawn = 0;
        new MutationObserver((changes) => {
            drawn += changes.some((change) => change.target.id === "explorer-images" && change.removedNodes.length);
        }).observe(document, {childList: true, subtree: true});
    </script>"""
    policy = re.compile(
        '<meta http-equiv="Content-Security-Policy"[^>]*>'
    )  # it allows the page's own scripts alone
    text, found = policy.subn("", path.read_text(encoding="utf-8"))
    assert found == 1
    path.write_text(text.replace("<body>", f"<body>{watch}", 1), encoding="utf-8")
    opened.open(path)
    opened.run(FRAMES)
    assert opened.run("drawn") == 0
    opened.call("Emulation.setDeviceMetricsOverride", width=500, height=900, deviceScaleFactor=1, mobile=True)
    opened.run("""new Promise((resolve) => {
        const wait = () => innerWidth === 500 ? resolve() : requestAnimationFrame(wait);
        wait();
    })""")
    opened.run(FRAMES)
    assert opened.run("drawn") == 1


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
    assert ("image", "Draw 2 of class 0, image 2 from p(x|h1) at epoch 10") in heard
    assert not [name for _, name in heard if "base64" in name or "data:" in name]
    assert not [
        role for role, name in heard if role in ("image", "button", "slider", "combobox") and not name
    ]


def serious_faults(page) -> list[tuple[str, list]]:
    """What axe finds, with the first places of each fault."""
    page.run(AXE.read_text(encoding="utf-8") + ";0")
    found = page.run("axe.run().then((found) => JSON.stringify(found.violations))")
    return [
        (fault["id"], [node["target"] for node in fault["nodes"]][:3])
        for fault in json.loads(found)
        if fault["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1400, 375])
def test_no_serious_fault_of_accessibility(opened, path, width, dark):
    opened.open(path, width=width, dark=dark)
    opened.run("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
    assert serious_faults(opened) == []


@pytest.mark.parametrize("width", [1400, 375])
def test_nothing_is_wider_than_the_window(opened, path, width):
    opened.open(path, width=width)
    assert opened.run("document.documentElement.scrollWidth") <= width


def test_on_paper_nothing_is_cut_and_tables_are_unfolded(opened, path):
    opened.open(path, width=690, dark=True)  # pixels between the margins of A4
    opened.call("Emulation.setEmulatedMedia", media="print")
    assert opened.run("document.documentElement.scrollWidth") <= 690
    assert (
        opened.run("document.querySelector('#information details table').getBoundingClientRect().height")
        > 100
    )
    assert opened.run("getComputedStyle(document.body).color") == "rgb(26, 26, 26)"
    assert opened.run("getComputedStyle(document.querySelector('.controls')).display") == "none"
    assert opened.run("document.querySelectorAll('#explorer-images img').length") == 12


def test_the_contents_mark_the_section_that_is_read(page):
    current = "document.querySelector('#contents [aria-current]').hash"
    assert page.run(current) == "#explorer"
    page.run("document.getElementById('limitations').scrollIntoView()")
    page.run(FRAMES)
    assert page.run(current) == "#limitations"


def test_without_scripts_the_page_has_its_sheets_and_tables_and_no_empty_explorer(opened, path):
    opened.open(path, scripts=False)
    seen = "(id) => getComputedStyle(document.getElementById(id)).display"
    assert opened.run(f"({seen})('explorer')") == "none"
    assert opened.run(f"({seen})('samples')") == "block"
    assert opened.run("document.querySelector('#samples img').naturalWidth") > 0
    opened.call("Emulation.setScriptExecutionDisabled", value=False)


def test_pictures_for_the_documents_are_small_and_of_each_window(opened, path, tmp_path):
    taken = take(opened, path, tmp_path)
    sizes = [Image.open(picture).size for picture in taken]
    assert sizes == [(1400, 1240), (1400, 1240), (375, 1560), (375, 1560)]
    light, dark = (np.asarray(Image.open(picture).convert("L")).mean() for picture in taken[:2])
    assert dark < 60 < 200 < light
    assert max(picture.stat().st_size for picture in taken) < 150_000
    swatches = "[...document.querySelectorAll('.swatch')].map((s) => getComputedStyle(s).backgroundColor)"
    pixels = np.asarray(Image.open(taken[0]).convert("RGB")).reshape(-1, 3).astype(int)
    for colour in opened.run(swatches):
        distance = abs(pixels - [int(v) for v in re.findall(r"\d+", colour)]).max(axis=1).min()
        assert distance <= 6, f"{colour} is not in the picture"
