"""The Markdown files: whatever path or module they name exists, and no line is longer than 120 columns."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from ib_analysis.experiment import load_experiment

LONGEST = 120
ROOMS = ("benchmarks", "decoders", "docs", "ib_analysis", "tests", "workflow")
OF_SOURCES = [
    *sorted(Path().glob("*.md")),
    *sorted(path for room in ROOMS for path in Path(room).rglob("*.md")),
]
DOCUMENTS = [*OF_SOURCES, Path("results/README.md")]
"""The last names what runs make, so only its lines are looked at."""
SOURCE = r"\.(?:py|smk|c|h|ya?ml|toml|md|css|jinja|mplstyle|bib|cff)"
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
ELSEWHERE = re.compile(r"https?://\S+|\bresults/\S*")
ROOTED = re.compile(rf"(?<![\w/.-])(?:{'|'.join(ROOMS)})/[\w./<{{*-]*")
BARE = re.compile(rf"(?<![\w/.<>*-])[\w./-]*\w{SOURCE}(?![\w.])")
MODULE = re.compile(r"python -m ((?:ib_analysis|benchmarks|decoders)[\w.]*)")
EXAMPLES = {"my-digits.yaml", "mine.yaml", "train_mine.py", "measure_mine.py", "measure_both.py"}
"""Names of files that a reader makes."""


def missing_links(text: str, folder: Path) -> list[str]:
    """The targets of relative links that do not exist."""
    return [target for target in LINK.findall(text) if not (folder / target).exists()]


def missing_paths(text: str) -> list[str]:
    """The paths below a source folder that do not exist; of a template, such as a/<name>.py, the folder counts."""
    found = {re.split(r"[<{*]", path)[0].rstrip(".") for path in ROOTED.findall(text)}
    folders = {path.rpartition("/")[0] if path[-1:] in "-_" else path for path in found}
    return sorted(path for path in folders if not Path(path).exists())


def missing_sources(text: str) -> list[str]:
    """The names of source files, relative to any folder, that no file has."""
    names = set(BARE.findall(text)) - EXAMPLES
    files = [f"/{path}" for path in Path().glob("*") if path.is_file()]
    files += [f"/{path.as_posix()}" for room in ROOMS for path in Path(room).rglob("*")]
    return sorted(name for name in names if not any(file.endswith(f"/{name}") for file in files))


def missing_modules(text: str) -> list[str]:
    """The modules after `python -m` that do not exist."""
    return [name for name in MODULE.findall(text) if find_spec(name.rstrip(".")) is None]


def missing(text: str, folder: Path = Path()) -> list[str]:
    """Everything that a document in `folder` names and that does not exist."""
    prose = ELSEWHERE.sub("", LINK.sub("]", text))
    return [
        *missing_links(text, folder),
        *missing_paths(prose),
        *missing_sources(prose),
        *missing_modules(prose),
    ]


@pytest.mark.parametrize("document", OF_SOURCES, ids=str)
def test_every_path_that_a_document_names_exists(document):
    assert missing(document.read_text(), document.parent) == []


@pytest.mark.parametrize(
    "text",
    [
        "[the plane](docs/no_such_plane.md)",
        "![the plane](docs/images/no_such_plane.png)",
        "`ib_analysis/encoders/generalized_block.py`",
        "`decoders/no_such_room/`",
        "`ib_analysis/no_such_room/<name>.py`",
        "`no_such_kernels.py`",
        "`studies/rir/no_such_study.py`",
        "`workflow/config/no-such.yaml`",
        "python -m benchmarks.no_such_benchmark",
    ],
)
def test_a_name_without_a_file_is_found(text):
    assert len(missing(text)) >= 1


@pytest.mark.parametrize(
    "text",
    [
        "[the plane](docs/images/information_plane.png)",
        "`ib_analysis/encoders/specs/<name>.py`",
        "`workflow/rules/`, `Makefile`, `studies/rir/claims.py` and `page.html.jinja`",
        "`results/demo/no_such_table.csv` and https://example.org/none.py",
        "python -m ib_analysis.schema.",
    ],
)
def test_a_name_with_a_file_is_not_reported(text):
    assert missing(text) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_no_line_of_a_document_is_longer_than_120_columns(document):
    """Rows of tables too: a row that does not fit has words to lose, or is no row of a table."""
    lines = document.read_text().splitlines()
    assert [number for number, line in enumerate(lines, 1) if len(line) > LONGEST] == []


def test_every_document_of_the_repository_is_looked_at():
    hidden = (path for path in Path().rglob("*.md") if path.parts[0] not in (*ROOMS, "results"))
    others = {path for path in hidden if not path.parts[0].startswith(".") and len(path.parts) > 1}
    assert others == set()


STEP = re.compile(r"^\d+\. .*(?:\n {3,}.*)*", re.MULTILINE)
OPENED = re.compile(r"\d+\. \[[^\]]*\]\(([^)]*)\), `([^`]*)`: ")


def test_each_step_of_a_walk_opens_one_file_which_holds_the_name_that_is_looked_for():
    folder = Path("docs")
    steps = STEP.findall((folder / "architecture.md").read_text())
    assert len(steps) == 26
    for step in steps:
        assert len(LINK.findall(step)) == 1, step
        path, name = OPENED.match(step).groups()
        assert re.search(rf"\b{re.escape(name)}\b", (folder / path).read_text()), step


def test_the_annotated_configuration_is_a_valid_experiment():
    text = Path("workflow/config/README.md").read_text()
    found = load_experiment(yaml.safe_load(re.search(r"```yaml\n(.*?)```", text, re.DOTALL).group(1)))
    assert found.measured("resnet").taps_in("classifier") == ("h1", "h3", "pooled")


def test_the_lines_of_the_readme_print_what_it_says(capsys):
    lines, printed = re.search(
        r"```python\n((?:(?!```).)*)```\n\nIt prints\n\n```\n(.*?)```",
        Path("README.md").read_text(),
        re.DOTALL,
    ).groups()
    assert len([line for line in lines.splitlines() if line]) == 6
    exec(lines, {})
    assert capsys.readouterr().out == printed


RECIPES = re.findall(
    r"^## (Add [^\n]*) \((?:(\d) files?)?(?: and )?(a line|1 line)?\)\n(.*?)(?=^## |\Z)",
    Path("CONTRIBUTING.md").read_text(),
    re.MULTILINE | re.DOTALL,
)


@pytest.mark.parametrize(("name", "files", "line", "steps"), RECIPES, ids=[recipe[0] for recipe in RECIPES])
def test_a_recipe_names_as_many_files_as_its_heading_says(name, files, line, steps):
    named = set(re.findall(r"^\d\. [^`\n]*`([\w./<>-]+)`", steps, re.MULTILINE))
    assert len(named) == int(files or 0) + bool(line)
    assert len(re.findall(r"^\d\. One line in ", steps, re.MULTILINE)) == bool(line)


def test_every_recipe_is_counted():
    assert len(RECIPES) == Path("CONTRIBUTING.md").read_text().count("\n## Add ")


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_no_number_of_a_document_is_still_to_be_filled_in(document):
    assert re.findall(r"@@\w*@@|\bTODO\b|\bTBD\b", document.read_text()) == []
