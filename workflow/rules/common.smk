"""Names to paths, and slices to parameters; nothing else."""

import re
import shlex
import sys
from pathlib import Path

from ib_analysis.consistency import PIECES as CONSISTENCY_TESTS

# A job's `python` is the one that runs Snakemake, whether or not its environment was activated; the prefix also takes
# the place of Snakemake's own, without which a failure before `| tee` would pass for a success.
shell.prefix(
    f'set -euo pipefail; PATH={shlex.quote(str(Path(sys.executable).parent))}:"$PATH"; '
)
ENVIRONMENT = f"{workflow.basedir}/environment.yml"
RESULTS = f"results/{experiment.name}"
DATASET = f"{RESULTS}/dataset/header.json"
RUN = "{encoder}/{regime}/seed{seed}"
CHECKPOINTS = f"{RESULTS}/encoders/{RUN}"
DECODERS = f"{RESULTS}/decoders/{RUN}/epoch{{epoch}}"
TRUNK = f"{RESULTS}/decoders/trunk"
STARTS_FROM = [] if experiment.decoders.trunk_fit is None else [TRUNK]
MARGINAL = f"{RESULTS}/decoders/marginal"
NATS = f"{RESULTS}/nats/{RUN}.npz"
MARGINAL_NATS = f"{RESULTS}/nats/marginal.npz"
SAMPLES = f"{RESULTS}/samples/{RUN}.npz"
MARGINAL_SAMPLES = f"{RESULTS}/samples/marginal.npz"
INFORMATION = f"{RESULTS}/information.csv"
TWO_STAGES = f"{RESULTS}/two_stages.csv"
CONTROL = f"{RESULTS}/controls/{{control}}"
CONTROLS = f"{RESULTS}/controls.csv"
CONTROLS_WANTED = [] if experiment.controls is None else [CONTROLS]
RIVALS = f"{RESULTS}/rivals.csv"
RIVALS_WANTED = [] if experiment.rivals is None else [RIVALS]
AGREEMENT = f"{RESULTS}/agreement.csv"
AGREEMENT_WANTED = [] if experiment.rivals is None else [AGREEMENT]
CASES = () if experiment.validation is None else experiment.validation.chosen
VALIDATION = f"{RESULTS}/validation.csv"
VALIDATION_WANTED = [] if experiment.validation is None else [VALIDATION]
CONSISTENCY = f"{RESULTS}/consistency.csv"
CONSISTENCY_WANTED = [] if experiment.consistency is None else [CONSISTENCY]
OF_CONSISTENCY = f"{RESULTS}/consistency/seed{{seed}}"
CONSISTENCY_TRUNK = f"{OF_CONSISTENCY}/trunk"
CONSISTENCY_MARGINAL = f"{OF_CONSISTENCY}/marginal"
CONSISTENCY_PIECE = f"{OF_CONSISTENCY}/{{test}}.csv"
STUDY = f"{RESULTS}/studies/{{study}}"
STUDY_PIECE = f"{STUDY}/pieces/{{piece}}.csv"
STUDY_TABLE = f"{RESULTS}/{{study}}.csv"
STUDY_VERDICTS = f"{STUDY}/verdicts.csv"
STUDY_INFORMATION = f"{STUDY}/information.csv"
VERDICTS = f"{RESULTS}/verdicts.csv"
VERDICTS_WANTED = [VERDICTS] if experiment.studies.chosen else []
REPORT = f"{RESULTS}/report.html"
FORMATS = ("pdf", "svg", "png")


wildcard_constraints:
    encoder="|".join(
        [*experiment.encoders, *{r.encoder for r in experiment.identity_runs}]
    ),
    regime="classifier|autoencoder|fixed",
    seed=r"\d+",
    epoch=r"\d+",


def slice_of(stage, names, wildcards):
    """The validated slice of a stage for these wildcards, under the control among them."""
    arguments = [
        int(wildcards[n]) if n in ("seed", "epoch") else wildcards[n] for n in names
    ]
    return getattr(experiment.under(wildcards.get("control")), stage)(*arguments)


def spec(stage, *names):
    """The slice of a stage as canonical JSON, for a rule's `params`."""
    return lambda wildcards: canonical_json(slice_of(stage, names, wildcards))


def code(stage, *names, of=None):
    """The digest of the code that a stage runs, for a rule's `params`; `of` is the slice where it has another name."""
    return lambda wildcards: stage_digest(
        stage, slice_of(of or stage, names, wildcards)
    )


def of_runs(pattern):
    """The path of every network of the experiment."""
    return [
        pattern.format(encoder=r.encoder, regime=r.regime, seed=r.seed)
        for r in experiment.runs
    ]


def of_identity(pattern):
    """The path of the control encoder that forgets nothing, where it is asked for."""
    return [pattern.format(**run._asdict()) for run in experiment.identity_runs]


def of_epochs(pattern):
    """The paths of one network at every measured epoch, as an input function."""

    def paths(wildcards):
        study = experiment.under(wildcards.get("control")).study(wildcards.encoder)
        return expand(pattern, **wildcards, epoch=study.epochs)

    return paths


def neighbour_of(pattern):
    """The decoders of the next measured epoch, where the fit starts from them, as an input function."""

    def paths(wildcards):
        run = experiment.under(wildcards.get("control"))
        epoch = run.next_epoch(wildcards.encoder, int(wildcards.epoch))
        wanted = run.decoders.neighbour_fit is not None and epoch is not None
        return expand(pattern, **{**wildcards, "epoch": epoch}) if wanted else []

    return paths


def in_control(path):
    """A path of the measurement as the control has it."""
    return path.replace(RESULTS, CONTROL, 1)


def trunk_of_control(wildcards):
    """The trunk that a control's decoders start from, if any: its own, or that of the measurement."""
    own = experiment.controlled[wildcards.control].own_marginal
    return [in_control(path) if own else path for path in STARTS_FROM]


def marginal_of_control(wildcards):
    """The p(x) that a control's p(x | h) is no worse than: its own, or that of the measurement."""
    own = experiment.controlled[wildcards.control].own_marginal
    return in_control(MARGINAL) if own else MARGINAL


def is_own_seed(wildcards):
    """Whether decoders of that seed are those of the measurement."""
    return int(wildcards.seed) == experiment.decoders.image_fit.seed


def trunk_of_seed(wildcards):
    """What decoders of that seed start from, if anything: the trunk of the measurement, or one of that seed."""
    trunk = TRUNK if is_own_seed(wildcards) else CONSISTENCY_TRUNK
    return [trunk.format(seed=wildcards.seed) for _ in STARTS_FROM]


def marginal_of_seed(wildcards):
    """p(x) of that seed: that of the measurement, or one of its own."""
    marginal = MARGINAL if is_own_seed(wildcards) else CONSISTENCY_MARGINAL
    return marginal.format(seed=wildcards.seed)


def consistency_pieces():
    """Every test of consistency with every seed."""
    spec = experiment.consistency
    return expand(
        CONSISTENCY_PIECE, seed=spec.seeds if spec else (), test=CONSISTENCY_TESTS
    )


def own_marginals(pattern):
    """The path of every p(x) that belongs to a control alone."""
    return [
        in_control(pattern).format(control=name)
        for name, control in experiment.controlled.items()
        if control.own_marginal
    ]


def of_controls(pattern):
    """The path of every network under every control."""
    return [
        in_control(path).format(control=control)
        for control in experiment.controlled
        for path in of_runs(pattern)
    ]


def images_of_study(wildcards):
    """The images, for a study that reads them."""
    return [DATASET] if experiment.studies.chosen[wildcards.study].reads_images else []


def pieces_of_study(wildcards):
    """The pieces of a study."""
    pieces = experiment.studies.chosen[wildcards.study].pieces
    return expand(STUDY_PIECE, study=wildcards.study, piece=pieces)


def nats_of_study(wildcards):
    """Nats of the networks whose information planes belong to a study."""
    return [NATS.format(**run._asdict()) for run in experiment.runs_of(wildcards.study)]


def figures_of_study(study):
    """Stems of a study's figures: its own, and what its networks' layers keep where it has networks."""
    layers = [f"{study}-layers"] if experiment.studies.chosen[study].encoders else []
    return [f"{RESULTS}/figures/{name}" for name in (study, *layers)]


def of_study(study):
    """All that a study makes."""
    figures = [f"{stem}.{form}" for stem in figures_of_study(study) for form in FORMATS]
    return [STUDY_TABLE.format(study=study), *figures]


def figures_of_studies(wildcards):
    """The figures of every study, for the report."""
    return [
        f"{stem}.{form}"
        for study in experiment.studies.chosen
        for stem in figures_of_study(study)
        for form in FORMATS
    ]


def made_by_study(study):
    """All that a study makes, as the input function of its target."""

    def paths(wildcards):
        if study not in experiment.studies.chosen:
            raise WorkflowError(
                f"studies.{study} is null in {experiment.name}: add the section, or take workflow/config/six-papers.yaml."
            )
        return of_study(study)

    return paths


def made_by_every_study(wildcards):
    """All that the studies make, and the verdicts on all claims."""
    if not experiment.studies.chosen:
        raise WorkflowError(
            f"{experiment.name} holds no studies: add a section, or take workflow/config/six-papers.yaml."
        )
    return [
        VERDICTS,
        *(path for study in experiment.studies.chosen for path in of_study(study)),
    ]


def scratch(name):
    """A folder that Snakemake does not delete; unfinished and finished work survives there."""
    return f"{RESULTS}/scratch/{name}"


def log_of(name):
    """Where a job says what it does."""
    return f"{RESULTS}/logs/{name}.log"


def benchmark_of(name):
    """Where Snakemake writes a job's seconds and memory."""
    return f"{RESULTS}/benchmarks/{name}.tsv"
