"""The report: one self-contained page that opens offline."""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ib_analysis.artefacts import replacing_folder, write_text
from ib_analysis.forgetting.table import ForgettingRow
from ib_analysis.information.tables.two_stages import StagesRow
from ib_analysis.report.content import Illustration, ReportContent, Sheet
from ib_analysis.report.explorer.block import Explored, explorer_block
from ib_analysis.report.images import chosen_file, data_uri, embedded_bytes
from ib_analysis.report.tables.agreement import agreement_table
from ib_analysis.report.tables.calibration import calibration_table
from ib_analysis.report.tables.consistency import consistency_table
from ib_analysis.report.tables.controls import (
    failing_controls,
    identity_sentence,
    ranking_sentences,
    trust_table,
)
from ib_analysis.report.tables.fits import fits_sentence, fits_table
from ib_analysis.report.tables.forgetting import forgetting_table
from ib_analysis.report.tables.information import dataset_table, information_table
from ib_analysis.report.tables.ladder import ladder_table
from ib_analysis.report.tables.learned import learned_table
from ib_analysis.report.tables.mixture import mixture_table
from ib_analysis.report.tables.papers import checks_table, papers_table
from ib_analysis.report.tables.seeds import seeds_table
from ib_analysis.report.tables.table import Table
from ib_analysis.report.tables.two_stages import verdict_table
from ib_analysis.report.text.finding import finding, surest_change, verdicts_sentence
from ib_analysis.report.text.limitations import limitations
from ib_analysis.report.text.meanings import meanings
from ib_analysis.report.text.of_samples import said_of_samples
from ib_analysis.report.text.references import REFERENCES
from ib_analysis.report.text.trust import trust_sentence

HERE = Path(__file__).parent
LARGEST_PAGE_BYTES = 10_000_000
WORDS_BYTES = 1_000_000
"""Kept free for words, tables and numbers."""
OF_NETWORKS = ("verdicts", "information", "trust", "seeds", "agreement", "learned")
"""Tables of numbers of networks, which say whether the networks have learned on the images."""


@dataclass(frozen=True)
class Picture:
    """An illustration on the page; `source` is empty if it is not embedded."""

    title: str
    caption: str
    file: str
    source: str


@dataclass(frozen=True)
class ShownSheet:
    """A sheet of samples on the page, with what its samples differ in from their originals."""

    group: str
    picture: Picture
    differences: Table


def write_page(path: Path, content: ReportContent) -> None:
    """Writes the page atomically.

    Figures are always embedded, then as many images of the explorer as fit. Sample sheets are embedded as long as the
    page stays below 10 MB; the others are named.

    Raises:
        UserError: a figure is missing.
    """
    write_text(path, render(content, path.parent))


def render(content: ReportContent, folder: Path) -> str:
    """The page as text; files that are named but not embedded are named relative to `folder`."""
    figures, trusted, studies = (
        [picture(figure, folder, LARGEST_PAGE_BYTES) for figure in pictures]
        for pictures in (content.figures, content.trusted, content.studies)
    )
    room = LARGEST_PAGE_BYTES - WORDS_BYTES - sum(len(f.source) for f in (*figures, *trusted, *studies))
    said, surest = said_of_samples(content.forgetting), surest_change(content.stages)
    explored = Explored(content.rows, content.fits, content.controls, content.drawn, said, surest=surest)
    explorer = explorer_block([explored], room)
    sheets = _leading(content.samples, surest)
    return render_template(
        "page.html.jinja",
        content=content,
        finding=finding(content.rows, content.stages),
        verdicts_sentence=verdicts_sentence(content.stages),
        trust_sentence=trust_sentence(content),
        **tables(content),
        identity=identity_sentence(content.controls),
        rankings=ranking_sentences(content.controls),
        fits_sentence=fits_sentence(content.fits),
        figures=figures,
        trusted=trusted,
        studies=studies,
        sheets=list(_shown_sheets(sheets, content.forgetting, folder, room - len(explorer))),
        meanings=meanings(content.rows),
        limitations=limitations(content),
        references=REFERENCES,
        **page_parts(explorer),
    )


def page_parts(explorer: str) -> dict[str, Any]:
    """What every page needs: the explorer's block, empty without one, its scripts with their hashes, and the style."""
    scripts = [*([_read("explorer/explorer.js")] if explorer else []), _read("contents.js")]
    style = _read("explorer/explorer.css") if explorer else "[hidden] { display: none; }\n"
    return {
        "explorer": explorer,
        "scripts": scripts,
        "script_hashes": " ".join(map(_script_hash, scripts)),
        "style": _read("page.css") + style,
    }


def render_template(name: str, **values: Any) -> str:
    """A template with these values, each escaped, and an error where one is missing."""
    return _environment().get_template(name).render(**values)


def tables(content: ReportContent) -> dict[str, Table]:
    """Every table of the page by its name."""
    found = {
        "verdicts": verdict_table(content.stages),
        "papers": papers_table(content.papers),
        "paper_checks": checks_table(content.papers),
        "of_dataset": dataset_table(content.rows),
        "mixture": mixture_table(content.mixture),
        "ladder": ladder_table(content.ladder),
        "information": information_table(content.rows, content.fits, failing_controls(content.controls)),
        "trust": trust_table(content.controls, content.fits),
        "seeds": seeds_table(content.rows, content.controls),
        "agreement": agreement_table(content.agreement),
        "validation": calibration_table(content.validation),
        "consistency": consistency_table(content.consistency),
        "learned": learned_table(content.learned),
        "fits": fits_table(content.fits),
    }
    said = content.seen_by_network()
    return {
        name: replace(table, note=f"{table.note} {said}".strip()) if name in OF_NETWORKS else table
        for name, table in found.items()
    }


def write_tables(folder: Path, content: ReportContent) -> None:
    """Writes every non-empty table as `<name>.csv` and as `<name>.tex` (booktabs)."""
    with replacing_folder(folder) as new:
        for name, table in tables(content).items():
            if table.rows:
                write_text(new / f"{name}.csv", table.to_csv())
                write_text(new / f"{name}.tex", table.to_latex() + "\n")


def _read(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _script_hash(script: str) -> str:
    """The script as the page's policy names it: the browser runs no other, and requests nothing from anywhere."""
    return f"'sha256-{b64encode(sha256(script.encode()).digest()).decode('ascii')}'"


def _environment() -> Environment:
    """A template environment that escapes all values and raises on missing names."""
    return Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def picture(illustration: Illustration, folder: Path, room: int) -> Picture:
    """The illustration as the page shows it: embedded where it takes no more than `room`, else named."""
    file = chosen_file(illustration.stem)
    source = data_uri(file) if embedded_bytes(file) <= room else ""
    name = file.relative_to(folder) if file.is_relative_to(folder) else file
    return Picture(illustration.title, illustration.caption, name.as_posix(), source)


def _leading(sheets: Sequence[Sheet], surest: StagesRow | None) -> list[Sheet]:
    """The sheets in order, but first the one whose rows are the epochs of the tap that the finding is about."""
    told = [sheet for sheet in sheets if surest is not None and _is_of(sheet, surest)][:1]
    return [*told, *(sheet for sheet in sheets if sheet not in told)]


def _is_of(sheet: Sheet, stage: StagesRow) -> bool:
    places = {(point.encoder, point.regime, point.tap) for point in sheet.points}
    return places == {(stage.encoder, stage.regime, stage.tap)}


def _shown_sheets(
    sheets: Sequence[Sheet], forgetting: Sequence[ForgettingRow], folder: Path, room: int
) -> Iterator[ShownSheet]:
    """Embeds sheets in order until `room` is used up."""
    for sheet in sheets:
        shown = picture(sheet, folder, room)
        room -= len(shown.source)
        yield ShownSheet(sheet.group, shown, forgetting_table(forgetting, sheet.points))
