"""An event of the mouse that a busy browser drops is made again, and one that the page hears is made once."""

from typing import Any

import pytest

from tests.browser.devtools import ATTEMPTS, Page, browser, chromium

pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium here: .ci/run installs one")
COUNTING = (
    "<div style='height: 3000px'></div><button onclick='window.clicks = (window.clicks || 0) + 1'>x</button>"
)


class DroppingPage(Page):
    """A page whose browser drops some events of the mouse, by their number from the first."""

    dropped: range = range(0)
    events = 0

    def call(self, method: str, session: str | None = None, **parameters: Any) -> Any:
        if method == "Input.dispatchMouseEvent":
            self.events += 1
            if self.events - 1 in self.dropped:
                return {}
        return super().call(method, session, **parameters)


@pytest.fixture
def page(tmp_path, monkeypatch):
    monkeypatch.setattr("tests.browser.devtools.Page", DroppingPage)
    (tmp_path / "counting.html").write_text(COUNTING)
    with browser(chromium()) as opened:
        opened.open(tmp_path / "counting.html")
        yield opened


@pytest.mark.parametrize(
    ("dropped", "events"),
    [(range(0), 2), (range(3), 5), (range(1, 2), 3)],
    ids=["none", "presses", "a release"],
)
def test_what_is_dropped_is_made_again_and_nothing_else(page, dropped, events):
    page.dropped = dropped
    page.click("button")
    assert page.run("window.clicks") == 1
    assert page.events == events


def test_a_page_that_hears_nothing_is_an_error_and_the_next_click_is_its_own(page):
    page.dropped = range(ATTEMPTS)
    with pytest.raises(RuntimeError, match=f"mouse on button in {ATTEMPTS} attempts"):
        page.click("button")
    page.click("button")
    assert page.run("window.clicks") == 1
