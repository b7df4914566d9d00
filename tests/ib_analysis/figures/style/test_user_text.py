"""Names of the user are drawn as written, in any script and of any length."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from ib_analysis.figures import sample_grid
from ib_analysis.figures.samples import Samples
from ib_analysis.figures.style import user_text
from ib_analysis.figures.style.saving import save
from ib_analysis.figures.style.user_text import as_written, wrapped
from ib_analysis.point import Network

LONG = "a class whose name has sixty letters, as folders of ImageNet"


def width(text: str, **properties: object) -> float:
    """Dots that a text takes."""
    figure = Figure(figsize=(8, 1))
    FigureCanvasAgg(figure)
    return figure.text(0, 0.5, text, fontsize=7, **properties).get_window_extent().width


def samples_of(*names: str) -> Samples:
    images = np.zeros((len(names), 1, 8, 8), np.uint8)
    network = Network("net", "classifier", 0)
    return Samples(network, 256, np.arange(len(names)), images, names, {network.at(0, "h1"): images[None]})


@pytest.mark.parametrize("name", ["costs $5 or $10", "$^$", "$\\alpha$", "a_b^c", "{}", "50%", "\\frac"])
def test_a_name_with_signs_of_mathematics_is_drawn_as_written(tmp_path, name):
    figure = sample_grid.draw_epochs(samples_of(name), "h1")
    drawn = [text for text in figure.findobj(Text) if text.get_text().replace("\n", " ") == name]
    assert len(drawn) == 1
    assert width(name, **as_written(name)) == pytest.approx(
        sum(width(letter * 2, **as_written(letter)) - width(letter, **as_written(letter)) for letter in name),
        rel=0.15,
    )
    save(figure, tmp_path / "sheet")


def test_names_of_sixty_letters_do_not_reach_their_neighbours():
    figure = sample_grid.draw_epochs(samples_of(*[LONG] * 8), "h1")
    FigureCanvasAgg(figure).draw()
    boxes = [t.get_window_extent() for t in figure.findobj(Text) if "sixty" in t.get_text()]
    assert len(boxes) == 8
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    title = next(t.get_window_extent() for t in figure.texts)
    assert not any(box.overlaps(title) for box in boxes)


def test_short_names_leave_the_sheet_as_it_is(samples):
    short = sample_grid.draw_epochs(replace(samples, classes=("cat",) * len(samples.classes)), "h1")
    assert short.get_size_inches() == pytest.approx(sample_grid.draw_epochs(samples, "h1").get_size_inches())
    assert wrapped("cat", 0.5) == "cat"


def test_letters_that_the_first_font_lacks_come_from_another_that_has_them(monkeypatch):
    own = user_text._letters_of(font_manager.findfont(user_text.FAMILY))
    other = next(font for font in font_manager.fontManager.ttflist if font.name != user_text.FAMILY)
    of_fonts = {other.fname: frozenset("猫犬")}
    monkeypatch.setattr(user_text, "_letters_of", lambda path: of_fonts.get(path, own))
    user_text._further_families.cache_clear()
    assert as_written("猫 or 犬")["fontfamily"] == [user_text.FAMILY, other.name]
    user_text._further_families.cache_clear()


def test_letters_that_no_font_has_are_said_once(capfd):
    letter = "\U0001f9ff\U00012000"
    user_text._further_families.cache_clear()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        figure = sample_grid.draw_epochs(samples_of(letter, letter), "h1")
        FigureCanvasAgg(figure).draw()
    assert capfd.readouterr().err.count("No installed font has the letters") == 1
