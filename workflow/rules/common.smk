"""Paths of all artefacts, and parameters of all rules from slices of the experiment."""

import json
import re
import shlex
import sys
from collections import Counter
from functools import cache
from pathlib import Path

from ib_analysis.artefacts import made_from
from ib_analysis.job_memory import USUAL, memory_of_jobs
from ib_analysis.sections.consistency import PIECES as CONSISTENCY_TESTS
from ib_analysis.variant import MEASUREMENT

# Jobs use the `python` that runs Snakemake, even where its environment is not activated. This prefix replaces
# Snakemake's own.
shell.prefix(
    f'set -euo pipefail; PATH={shlex.quote(str(Path(sys.executable).parent))}:"$PATH"; '
)
FORMATS = ("pdf", "svg", "png")
RESULTS = f"results/{experiment.name}"
NETWORK = "{encoder}/{regime}/seed{seed}"
DATASET = f"{RESULTS}/dataset/header.json"
CHECKPOINTS = f"{RESULTS}/encoders/{NETWORK}"
# One set of rules serves every variant: the measurement, its controls, and decoders of other seeds.
VARIANT = f"{RESULTS}/{{variant}}"
PRETRAINED = f"{VARIANT}/decoders/pretrained"
MARGINAL = f"{VARIANT}/decoders/marginal"
CLASS_DECODER = f"{VARIANT}/decoders/classes"
DECODERS = f"{VARIANT}/decoders/{NETWORK}/epoch{{epoch}}"
MARGINAL_NATS = f"{VARIANT}/nats/marginal.npz"
MIXED_NATS = f"{VARIANT}/nats/mixture.npz"
NATS = f"{VARIANT}/nats/{NETWORK}.npz"
OWN_NATS = f"{VARIANT}/nats_on_own_images/{NETWORK}.npz"
MARGINAL_SAMPLES = f"{VARIANT}/samples/marginal.npz"
SAMPLES = f"{VARIANT}/samples/{NETWORK}.npz"
RUNGS = f"{VARIANT}/calibration/{{group}}.npz"
CONSISTENCY_PIECE = f"{VARIANT}/consistency/{{test}}.csv"
BASELINES_OF_NETWORK = f"{RESULTS}/baselines/{NETWORK}.csv"
CASE = f"{RESULTS}/validation/{{case}}.csv"
STUDY = f"{RESULTS}/studies/{{study}}"
STUDY_PIECE = f"{STUDY}/pieces/{{piece}}.csv"
STUDY_VERDICTS = f"{STUDY}/verdicts.csv"
STUDY_INFORMATION = f"{STUDY}/information.csv"
STUDY_TABLE = f"{RESULTS}/{{study}}.csv"
INFORMATION = f"{RESULTS}/information.csv"
MIXTURE = f"{RESULTS}/mixture.csv"
MIXES_POINTS = experiment.decoders.mixture.points > 0
MIXES_CLASSES = experiment.mixes_classes
TWO_STAGES = f"{RESULTS}/two_stages.csv"
REPORT = f"{RESULTS}/report.html"
SO_FAR = f"{RESULTS}/so_far.html"
# Tables of optional sections of an experiment.
CALIBRATION = [f"{RESULTS}/calibration.csv"] * (experiment.calibration is not None)
CONTROLS = [f"{RESULTS}/controls.csv"] * (experiment.controls is not None)
BASELINES = [f"{RESULTS}/baselines.csv"] * (experiment.baselines is not None)
AGREEMENT = [f"{RESULTS}/agreement.csv"] * (experiment.baselines is not None)
VALIDATION = [f"{RESULTS}/validation.csv"] * (experiment.validation is not None)
CONSISTENCY = [f"{RESULTS}/consistency.csv"] * (experiment.consistency is not None)
CHECKS = (
    ["ladder"] * len(CALIBRATION)
    + ["calibration"] * len(VALIDATION)
    + ["consistency"] * len(CONSISTENCY)
)
JUDGE = f"{RESULTS}/judge"
FORGETTING = [f"{RESULTS}/forgetting.csv"] * (experiment.forgetting is not None)
LEARNED = [f"{RESULTS}/learned.csv"] * experiment.dataset.says_what_was_learned
VERDICTS = [f"{RESULTS}/verdicts.csv"] * bool(experiment.studies.chosen)
GROUPS = experiment.calibration.groups if experiment.calibration else ()
CASES = experiment.validation.chosen if experiment.validation else ()
JUDGED_CASES = experiment.validation.judged if experiment.validation else ()
CALIBRATING_CASES = experiment.validation.calibrating if experiment.validation else ()
SEEDS_OF_CONSISTENCY = experiment.consistency.seeds if experiment.consistency else ()
TESTED = [experiment.variant_of_seed(seed).name for seed in SEEDS_OF_CONSISTENCY]
OWN_MARGINALS = [
    name
    for name, control in experiment.controlled.items()
    if control.marginal == control
]
VARIANTS = {name: experiment.with_variant(name) for name in experiment.variants}
FITTED = [variant.name for variant in experiment.fitted]


wildcard_constraints:
    variant="|".join(map(re.escape, VARIANTS)),
    encoder="|".join(
        [*experiment.encoders, *{n.encoder for n in experiment.identity_networks}]
    ),
    regime="classifier|autoencoder|fixed",
    seed=r"\d+",
    epoch=r"\d+",


def slice_of(name, wildcards, *names):
    """The validated slice of that name for these wildcards, under the variant among them."""
    values = [
        int(wildcards[n]) if n in ("seed", "epoch") else wildcards[n] for n in names
    ]
    return slice_under(wildcards.get("variant", MEASUREMENT.name), name, *values)


@cache
def slice_under(variant, name, *values):
    """A slice, which stays what it is while this process runs."""
    asked = VARIANTS[variant].slice_of(name, *values)
    return as_prepared(asked) if name == "prepare_dataset" else asked


def as_prepared(asked):
    """The slice of the data set as it was prepared, where the folder of its images is no longer there."""
    try:
        made = made_from(Path(DATASET))
    except UserError:
        return asked
    gone = asked["listing"] is None
    return made if gone and asked | {"listing": made.get("listing")} == made else asked


def stage(name, *names, of=None):
    """Parameters of a rule: the stage's slice as canonical JSON, and the digest of the code that it runs.

    `of` is the slice where it has another name than the stage.
    """
    return {
        "spec": lambda wildcards: canonical_json(
            slice_of(of or name, wildcards, *names)
        ),
        "code": lambda wildcards: stage_digest(
            name, slice_of(of or name, wildcards, *names)
        ),
    }


def command(name, options):
    """The command line of a stage, which `stage` parametrises; what it says goes into its log."""
    given = "--spec {params.spec:q} --code {params.code}"
    return f"python -m ib_analysis {name} {given} {options} > {{log}} 2>&1"


def device_command(name, options):
    """The command line of a stage that computes on the device."""
    return command(
        name, f"--device {{resources.device}} --threads {{threads}} {options}"
    )


# A profile sets `device`, `gpu`, `processes`, `device_threads` and `device_runtime` once, for all rules.
PROFILE = workflow.resource_settings.default_resources or {}
DEVICE_THREADS = PROFILE["device_threads"].value if "device_threads" in PROFILE else 1


def plan_of(jobs):
    """The plan of a run of so many jobs by rule; of jobs that run elsewhere this machine tells no time."""
    pieces = Counter(
        kind_of_job("run_study", job.wildcards.study)
        for job in workflow.dag.needrun_jobs()
        if job.rule.name == "run_study"
    )
    others = {rule: count for rule, count in jobs.items() if rule != "run_study"}
    here = devices[0] if devices and devices[0].isalnum() else "auto"
    return plan_run(
        experiment,
        Path(RESULTS),
        others | pieces,
        cores=workflow.cores or 1,
        device=here if workflow.local_exec else None,
        threads=DEVICE_THREADS,
        gpus=jobs_on_gpu(),
    )


def jobs_on_gpu():
    """How many jobs compute on a GPU at once; None where the device is none, or jobs run elsewhere."""
    if not ON_GPU or not workflow.local_exec:
        return None
    most = max(1, (workflow.cores or 1) // DEVICE_THREADS)
    given = workflow.global_resources.get("gpu").value
    return most if given is None else max(1, min(given, most))


# Megabytes of the jobs that fit or evaluate image decoders; the maps of a GPU are not in the memory of its host.
ON_GPU = any(device.startswith("cuda") for device in devices)
MEMORY = memory_of_jobs(experiment, ON_GPU)


def on_device(runtime, mem_mb=USUAL):
    """Resources of a job that computes on the device; each further attempt asks for more memory."""
    usual = {"device": "auto", "gpu": 1, "processes": 1}
    own = {name: value for name, value in usual.items() if name not in PROFILE}
    minutes = (
        PROFILE["device_runtime"].value if "device_runtime" in PROFILE else runtime
    )
    return own | {
        "mem_mb": lambda wildcards, attempt: mem_mb * attempt,
        "runtime": minutes,
    }


def of_networks(pattern, networks=experiment.networks, variants=(MEASUREMENT.name,)):
    """The path of every network, for the measurement alone or for other variants."""
    return [
        pattern.format(variant=variant, **network._asdict())
        for variant in variants
        for network in networks
    ]


def of_checkpoints(pattern, variants):
    """The path of every network at every measured epoch under those variants."""
    return [
        pattern.format(variant=variant, epoch=epoch, **network._asdict())
        for variant in variants
        for network in experiment.networks
        for epoch in experiment.measured(network.encoder).epochs
    ]


def of_measurement(pattern):
    """The path of what the measurement has once."""
    return pattern.format(variant=MEASUREMENT.name)


def of_epochs(pattern):
    """The paths of one network at every measured epoch, as an input function."""
    return lambda wildcards: expand(
        pattern,
        **wildcards,
        epoch=VARIANTS[wildcards.variant].measured(wildcards.encoder).epochs,
    )


def weights_of(wildcards):
    """The files of weights of a network that is given instead of trained, an epoch each."""
    return experiment.weight_files(wildcards.encoder, int(wildcards.seed))


def pretrained_of(wildcards):
    """The decoder that a variant's decoders start from, where there is one: its own, or that of the measurement."""
    path = PRETRAINED.format(
        variant=experiment.variants[wildcards.variant].marginal.name
    )
    return [path] * (experiment.decoders.pretrained_fit is not None)


def neighbour_of(wildcards):
    """The decoders of the next measured epoch, where the fit starts from them."""
    run = VARIANTS[wildcards.variant]
    epoch = run.next_epoch(wildcards.encoder, int(wildcards.epoch))
    wanted = run.decoders.neighbour_fit is not None and epoch is not None
    return expand(DECODERS, **{**wildcards, "epoch": epoch}) if wanted else []


def figure(stem, category, caption):
    """A figure in every format, of which Snakemake's own report shows the SVG."""
    paths = {form: f"{RESULTS}/figures/{stem}.{form}" for form in FORMATS}
    shown = report(paths["svg"], category=category, caption=f"../report/{caption}.rst")
    return list((paths | {"svg": shown}).values())


def caption(stem):
    """The caption of a figure, which the report shows."""
    return f"{RESULTS}/figures/{stem}.caption.json"


def drawn(stems):
    """The files of figures in every format, and their captions."""
    files = expand(f"{RESULTS}/figures/{{stem}}.{{form}}", stem=stems, form=FORMATS)
    return [*files, *map(caption, stems)]


def stem_of_figure(wildcards, output):
    """The path of a figure without its format."""
    return Path(output.figure[0]).with_suffix("")


def checkpoints_of_rungs(wildcards):
    """The network whose h the rungs of a group take; none for codes of images."""
    at, taken = experiment.calibrated_at, wildcards.group in ("rotations", "others")
    return [CHECKPOINTS.format(**at.model_dump())] * taken


def images_of_study(wildcards):
    """The images, for a study that reads them."""
    return [DATASET] * experiment.studies.repeated[wildcards.study].reads_images


def pieces_of_study(wildcards):
    """The pieces of a study."""
    pieces = experiment.studies.repeated[wildcards.study].pieces
    return expand(STUDY_PIECE, study=wildcards.study, piece=pieces)


def of_judged(pattern, variants=(MEASUREMENT.name,)):
    """The path of every network that the claims about two stages are judged by."""
    judged = experiment.studies.darlow2020 is not None
    return of_networks(
        pattern, experiment.networks_of("darlow2020") if judged else (), variants
    )


def nats_of_study(wildcards):
    """Nats of the networks whose information planes belong to a study."""
    return of_networks(NATS, experiment.networks_of(wildcards.study), FITTED)


def figures_of_study(study):
    """A study's figures: its own, and what its networks' layers keep where it has networks."""
    layers = [f"{study}-layers"] * bool(experiment.studies.chosen[study].encoders)
    return drawn([study, *layers])


def figures_of_studies(wildcards):
    """The figures of every study, for the report."""
    return [
        path for study in experiment.studies.chosen for path in figures_of_study(study)
    ]


def results_of_study(study):
    """All that lies in the results of a study."""
    networks = bool(experiment.studies.chosen[study].encoders)
    return [
        STUDY_TABLE.format(study=study),
        *figures_of_study(study),
        *(
            expand(
                STUDY_PIECE,
                study=study,
                piece=experiment.studies.repeated[study].pieces,
            )
            if study in experiment.studies.repeated
            else []
        ),
        STUDY_VERDICTS.format(study=study),
        *[STUDY_INFORMATION.format(study=study)] * networks,
    ]


def made_by_study(study):
    """All that a study makes, as the input function of its target."""

    def paths(wildcards):
        if study not in experiment.studies.chosen:
            raise WorkflowError(
                f"studies.{study} is null in {experiment.name}: add the section, or take workflow/config/six-papers.yaml."
            )
        return [STUDY_TABLE.format(study=study), *figures_of_study(study)]

    return paths


def made_by_every_study(wildcards):
    """All that the studies make, and the verdicts on all claims."""
    if not experiment.studies.chosen:
        raise WorkflowError(
            f"{experiment.name} holds no studies: add a section, or take workflow/config/six-papers.yaml."
        )
    tables = expand(STUDY_TABLE, study=experiment.studies.chosen)
    return [*VERDICTS, *tables, *figures_of_studies(wildcards)]


def decoders_of(variants):
    """The decoders of every network at the epochs that each variant measures."""
    return [
        DECODERS.format(variant=variant, epoch=epoch, **network._asdict())
        for variant in variants
        for network in experiment.networks
        for epoch in VARIANTS[variant].measured(network.encoder).epochs
    ]


def all_results(wildcards):
    """What a user calls a result, and all that a table, a figure or a number of it was made from."""
    measured = [*FITTED, *experiment.controlled]
    alone = dict.fromkeys([*FITTED, *OWN_MARGINALS, *TESTED])
    pretrained = [*alone] * (experiment.decoders.pretrained_fit is not None)
    identity, chosen = experiment.identity_networks, experiment.studies.chosen
    return [
        *rules.write_report.output,
        *(
            f"{RESULTS}/dataset/{name}"
            for name in ("header.json", "images.npy", "labels.npy")
        ),
        *rules.plot_figures.output,
        *rules.plot_samples.output,
        *drawn(CHECKS),
        *[INFORMATION, TWO_STAGES, MIXTURE, *CONTROLS, *BASELINES, *AGREEMENT],
        *[*CALIBRATION, *LEARNED, *VALIDATION, *CONSISTENCY, *VERDICTS],
        *expand(MARGINAL_NATS, variant=FITTED * len(LEARNED)),
        *of_networks(OWN_NATS, variants=FITTED * len(LEARNED)),
        *(expand(CLASS_DECODER, variant=FITTED) * MIXES_CLASSES),
        *expand(RUNGS, variant=FITTED, group=GROUPS),
        *of_networks(CHECKPOINTS),
        *expand(PRETRAINED, variant=pretrained),
        *expand(MARGINAL, variant=alone),
        *decoders_of(measured),
        *expand(MIXED_NATS, variant=FITTED),
        *expand(
            MARGINAL_NATS, variant=[*OWN_MARGINALS, *["measurement"] * len(CONTROLS)]
        ),
        *of_networks(NATS, variants=measured),
        *of_networks(NATS, identity),
        *of_networks(SAMPLES),
        of_measurement(MARGINAL_SAMPLES),
        *of_networks(BASELINES_OF_NETWORK, experiment.networks * len(BASELINES)),
        *expand(CONSISTENCY_PIECE, variant=TESTED, test=CONSISTENCY_TESTS),
        *expand(CASE, case=CASES),
        *(path for study in chosen for path in results_of_study(study)),
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
