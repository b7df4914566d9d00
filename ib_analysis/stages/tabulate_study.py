"""All pieces of a study in one table, the verdicts on the paper's claims, and the study's figure."""

from importlib import import_module
from pathlib import Path

from pydantic import BaseModel, ConfigDict, field_validator

from ib_analysis import spec
from ib_analysis.artefacts import Artefact, write_json
from ib_analysis.figures.style.saving import save
from ib_analysis.provenance import Job
from ib_analysis.rows import read_rows, write_rows
from ib_analysis.stages.run_study import built
from ib_analysis.studies.verdict import Verdict, verdicts_text

FIGURES = "ib_analysis.figures.studies."


class Drawing(BaseModel):
    """The module that draws a study."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    implementation: str

    @field_validator("implementation")
    @classmethod
    def _is_a_figure(cls, name: str) -> str:
        if not name.startswith(FIGURES):
            raise ValueError(f"{name!r} is no module of {FIGURES.rstrip('.')}")
        return name


class Spec(spec.Spec):
    """Slice of the experiment."""

    study: spec.Described
    drawn_by: Drawing


def run(slice_: Spec, job: Job, *, pieces: list[Artefact], table: Path, verdicts: Path, figure: Path) -> None:
    """Write both tables, the figure `figure`.pdf, .svg and .png, and its caption `figure`.caption.json."""
    study = built(slice_.study)
    rows = [row for path in pieces for row in read_rows(path, study.Row)]
    write_rows(table, study.Row, rows)
    found = study.verdicts(rows)
    write_rows(verdicts, Verdict, found)
    drawing = import_module(slice_.drawn_by.implementation)
    for path in (table, verdicts, *save(drawing.draw(rows), figure).values()):
        job.record(path)
    caption = figure.with_name(f"{figure.name}.caption.json")
    write_json(caption, drawing.caption(rows))
    job.record(caption)
    print(verdicts_text(found))
