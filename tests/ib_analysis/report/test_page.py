"""The page holds every number, opens offline, and escapes what it is given."""

import html
import re
from base64 import b64decode, b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser

import pytest

from ib_analysis.errors import UserError
from ib_analysis.point import Network
from ib_analysis.report import page
from ib_analysis.report.page import render, write_page, write_tables
from ib_analysis.report.tables.fits import fits_table
from ib_analysis.report.tables.information import dataset_table, information_table
from ib_analysis.report.tables.two_stages import verdict_table

VOID = {"meta", "img", "br", "hr", "link", "input"}


class Reader(HTMLParser):
    """Collects text and addresses, and insists that every tag is closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.cells, self.loaded, self.links, self.ids, self.words = [], [], [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")
        self.loaded += [values[name] for name in ("src", "srcset", "data", "poster") if name in values]
        self.ids += [values["id"]] if "id" in values else []
        if "href" in values:
            (self.links if tag == "a" else self.loaded).append(values["href"])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)
        if {"td", "th"} & set(self.open):
            self.cells[-1] += data


@pytest.fixture
def text(content, tmp_path):
    return render(content, tmp_path)


def test_every_tag_is_closed(text):
    assert Reader(text).open == []


def test_every_value_of_every_table_is_there(text, content):
    cells = {cell.strip() for cell in Reader(text).cells}
    tables = (
        verdict_table(content.stages), dataset_table(content.rows), fits_table(content.fits),
        information_table(content.rows, content.fits),
    )  # fmt: skip
    wanted = {cell.strip() for table in tables for row in table.rows for cell in row}
    assert wanted <= cells
    for column in (column for table in tables for column in table.columns):
        assert column.head in cells


def test_numbers_stand_where_they_belong(text):
    cells = [cell.strip() for cell in Reader(text).cells]
    assert "91.17 ± 0.83" in cells  # I(x;h) at h1, epoch 0
    assert "55.67 ± 0.83" in cells  # I(x;h) at logits, epoch 10
    assert "118.43 ± 0.71" in cells  # CE(x)
    assert "7.77 ± 0.61" in cells  # largest compression
    assert "1.4245" in cells  # 91.17 / 64 bits/dim


def test_nothing_is_loaded_from_outside(text):
    reader = Reader(text)
    assert len(reader.loaded) == 2
    assert all(address.startswith("data:image/") for address in reader.loaded)
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)
    outside = [link for link in reader.links if not link.startswith("#")]
    assert all(link.startswith(("https://arxiv.org/", "https://openreview.net/")) for link in outside)


def test_the_browser_is_told_to_request_nothing_and_to_run_these_scripts_alone(content, drawn, tmp_path):
    text = render(replace(content, drawn=drawn), tmp_path)
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    named = [f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in scripts]
    assert len(scripts) == 2
    assert html.unescape(policy) == (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {' '.join(named)}"
    )


def test_inner_links_lead_somewhere(text):
    reader = Reader(text)
    assert {link[1:] for link in reader.links if link.startswith("#")} <= set(reader.ids)


def test_pictures_are_the_files(text, content):
    data = Reader(text).loaded[0]
    assert data.startswith("data:image/svg+xml;base64,")
    assert b64decode(data.partition(",")[2]) == content.figures[0].stem.with_suffix(".svg").read_bytes()


def test_everything_is_escaped(content, drawn, tmp_path):
    evil = '<script>alert("x")</script>'
    summary = replace(content.encoders[0], architecture=evil, encoder=evil, taps=(evil,))
    figure = replace(content.figures[0], caption=evil, title='" onload="x')
    rows = tuple(row.model_copy(update={"tap": evil}) if row.tap else row for row in content.rows)
    dataset = content.dataset.model_copy(update={"name": evil, "fingerprint": evil})
    drawn = replace(drawn[0], classes=(evil,) * 4)
    text = render(
        replace(
            content,
            title=evil,
            encoders=(summary,),
            figures=(figure,),
            rows=rows,
            dataset=dataset,
            drawn=(drawn,),
        ),
        tmp_path,
    )
    assert evil not in text
    assert text.count("<script") == 3
    assert 'alt="&#34; onload=&#34;x"' in text
    assert "&lt;script&gt;" in text


def test_finding_captions_limits_provenance_and_meanings(text):
    words = " ".join(" ".join(Reader(text).words).split())
    for sentence in (
        "Fish & <chips>",
        "At h1 of net (classifier), I(x;h) as measured by these decoders falls by 5.52 bits (95 % interval 4.20",
        "in this network, these fits, information rises to a peak at 1 and falls after it at 2 of 2 taps",
        "Where <each> tap lies. n = 599.",
        "neither a lower nor an upper bound",
        "need not obey the data-processing inequality",
        "One encoder seed",
        "3f9ab2c0",
        "0123456789abcdef",
        "torch 2.6.1",
        "split 4711",
        "channels × height × width = 64",
        "encoder 601, decoder 602, evaluation 599",
        "1 of 4 decoders were still improving",
        "p(x|h) of net classifier seed 0 epoch 10 logits",
    ):
        assert sentence in words, sentence


def test_captions_stand_beside_figures(text):
    assert re.search(r"<figure>\s*<div class=.picture.[^>]*><img [^>]+></div>\s*<figcaption>", text)
    assert re.search(r"figure \{ display: grid; grid-template-columns:", text)


def test_the_file_is_written_whole(content, tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")
    write_page(path, content)
    assert path.read_text(encoding="utf-8") == render(content, tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["figures", "report.html"]


def test_a_missing_figure_is_named_and_the_old_page_stays(content, tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")
    content.figures[0].stem.with_suffix(".svg").unlink()
    with pytest.raises(UserError, match=r"plane.svg and .*plane.png are missing"):
        write_page(path, content)
    assert path.read_text() == "old"


def test_samples_beyond_the_room_are_named(content, tmp_path, monkeypatch):
    room = len(Reader(render(content, tmp_path)).loaded[0]) + 10 + page.WORDS_BYTES
    monkeypatch.setattr(page, "LARGEST_PAGE_BYTES", room)
    monkeypatch.setattr(page, "explorer_block", lambda experiments, room: "")
    text = render(content, tmp_path)
    assert len(Reader(text).loaded) == 1
    assert "figures/sheet.svg" in text


def test_the_sheet_of_the_tap_that_the_finding_is_about_is_the_open_one(content, stages, tmp_path):
    (sheet,) = content.samples
    points = [
        Network("net", "classifier", 0).at(epoch, tap) for epoch, tap in ((0, "logits"), (10, "logits"))
    ]
    taps = [Network("net", "classifier", 0).at(10, tap) for tap in ("h1", "logits")]
    sheets = (
        sheet,
        replace(sheet, title="All taps", points=tuple(taps)),
        replace(sheet, title="Samples of logits", points=tuple(points)),
    )
    for stage, first in ((stages[0], "Samples of h1"), (stages[1], "Samples of logits")):
        text = render(replace(content, samples=sheets, stages=(stage,)), tmp_path)
        section = text[text.index('<section id="samples"') : text.index('<section id="trust"')]
        assert re.findall(r"<strong>(.*?)\.</strong>", section)[0] == first
        assert re.findall(r"<summary>(.*?)</summary>", section) == [
            s.title for s in sheets if s.title != first
        ]


def test_a_study_of_one_checkpoint_and_no_pictures(content, tmp_path):
    bare = replace(content, stages=(), fits=(), figures=(), samples=(), provenance=(), versions={}, seeds={})
    words = " ".join(Reader(render(bare, tmp_path)).words)
    assert "only one checkpoint" in words
    assert "No samples were drawn" in words


def test_tables_fold(content, tmp_path):
    assert "<summary>All points <small>(8 rows)</small></summary>" in render(content, tmp_path)


SECTIONS = [
    "explorer",
    "samples",
    "trust",
    "figures",
    "verdicts",
    "information",
    "run",
    "limitations",
    "references",
]


def test_the_order_of_the_page_is_a_readers(content, drawn, tmp_path):
    text = render(replace(content, drawn=drawn), tmp_path)
    ids = Reader(text).ids
    assert sorted(SECTIONS, key=ids.index) == SECTIONS
    assert text.index('class="finding"') < text.index('id="explorer"')


def test_every_section_stands_in_the_contents(content, drawn, tmp_path):
    text = render(replace(content, drawn=drawn), tmp_path)
    contents = re.findall(r'<a href="#([a-z]+)"', text[text.index('id="contents"') : text.index("</nav>")])
    assert contents == re.findall(r'<section id="([a-z]+)"', text)


def test_how_far_to_trust_it_is_one_sentence_with_the_figures(content, tmp_path):
    trusted = (
        replace(content.figures[0], title="Known information"),
        replace(content.figures[0], title="Of controls"),
    )
    text = render(replace(content, trusted=trusted), tmp_path)
    section = text[text.index('id="trust"') : text.index('id="figures"')]
    assert "No control was run; 3 of 4 decoders had stopped improving when their fit ended." in section
    assert section.index('alt="Known information"') < section.index("<summary>Of controls</summary>")
    assert "<summary>Known information</summary>" not in section


def test_the_same_content_gives_the_same_page(content, tmp_path):
    assert render(content, tmp_path) == render(content, tmp_path)


def test_every_table_with_a_row_is_exported_for_papers(content, tmp_path):
    write_tables(tmp_path / "tables", content)
    names = {path.name for path in (tmp_path / "tables").iterdir()}
    assert {"verdicts.csv", "verdicts.tex", "information.csv", "information.tex", "fits.tex"} <= names
    assert "validation.csv" not in names
    assert r"\toprule" in (tmp_path / "tables/information.tex").read_text()
