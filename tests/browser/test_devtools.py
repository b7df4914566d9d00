"""A press that a busy browser drops is made again, and one that the page hears is made once."""

from typing import Any

import pytest

from tests.browser.devtools import PRESSES, Page, browser, chromium

pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium here: .ci/run installs one")
COUNTING = (
    "<div style='height: 3000px'></div><button onclick='window.clicks = (window.clicks || 0) + 1'>x</button>"
)


class DroppingPage(Page):
    """A page whose browser drops the next events of the mouse."""

    dropped = 0

    def call(self, method: str, session: str | None = None, **parameters: Any) -> Any:
        if method == "Input.dispatchMouseEvent" and self.dropped:
            self.dropped -= 1
            return {}
        return super().call(method, session, **parameters)


@pytest.fixture
def page(tmp_path, monkeypatch):
    monkeypatch.setattr("tests.browser.devtools.Page", DroppingPage)
    (tmp_path / "counting.html").write_text(COUNTING)
    with browser(chromium()) as opened:
        opened.open(tmp_path / "counting.html")
        yield opened


@pytest.mark.parametrize("dropped", [0, 2, 6])
def test_a_dropped_press_is_made_again_and_no_other(page, dropped):
    page.dropped = dropped
    page.click("button")
    assert page.run("window.clicks") == 1


def test_a_page_that_hears_nothing_is_an_error(page):
    page.dropped = 2 * PRESSES
    with pytest.raises(RuntimeError, match=f"none of {PRESSES} presses on button"):
        page.click("button")
