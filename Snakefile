"""The laboratory as a DAG: validate the experiment, include the rules, say what is wanted."""

import sys
from pathlib import Path

from snakemake.common.configfile import load_configfile
from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

from ib_analysis.artefacts import canonical_json
from ib_analysis.configuration import demand_unique_keys, merged
from ib_analysis.device_name import check_device
from ib_analysis.experiment import load_experiment
from ib_analysis.errors import UserError
from ib_analysis.job_lines import print_one_line_a_job
from ib_analysis.provenance import stage_digest
from ib_analysis.run_plan import kind_of_job, plan_run
from ib_analysis.slurm_queue import cancel_jobs, demand_empty_queue

min_version("9.27")

# The configurations of targets that have one of their own; all others mean six-papers.
OF_TARGET = {
    name + suffix: name.replace("_", "-")
    for name in ("two_stages", "two_stages_quick")
    for suffix in ("", "_so_far")
}
# The files of --configfile, or that of the target, under what --config changes. Snakemake's own merge keeps the keys of
# another kind, and takes --config alone for the whole. A job of a cluster is told the files, and not the target.
files = workflow.overwrite_configfiles
if not files:
    # Snakemake knows the targets only after this file is read.
    chosen = {OF_TARGET[word] for word in sys.argv[1:] if word in OF_TARGET}
    if len(chosen) > 1:
        raise WorkflowError(
            f"{' and '.join(sorted(chosen))} are two configurations: ask for the targets of one at a time."
        )
    chosen = chosen or {"six-papers"}
    files.append(Path(workflow.basedir) / f"workflow/config/{chosen.pop()}.yaml")
settings = workflow.resource_settings
# As written: a word, perhaps in quotes. What an expression gives is checked by the job.
devices = [
    str(needs["device"].raw).strip("'\"")
    for needs in (
        settings.default_resources or {},
        *settings.overwrite_resources.values(),
    )
    if "device" in needs
]

try:
    for path in files:
        demand_unique_keys(path)
    config = merged([*map(load_configfile, files), workflow.config_settings.config])
    experiment = load_experiment(config)
    for device in devices:
        if device.replace(":", "").isalnum():
            check_device(device)
except UserError as error:
    raise WorkflowError(str(error)) from None


report: "workflow/report/workflow.rst"


# Every job runs in the environment that runs Snakemake (common.smk). A container, with --sdm apptainer, gives it no more
# than the system below that environment.
container: "docker://buildpack-deps:bookworm"


include: "workflow/rules/common.smk"
include: "workflow/rules/datasets.smk"
include: "workflow/rules/encoders.smk"
include: "workflow/rules/decoders.smk"
include: "workflow/rules/information.smk"
include: "workflow/rules/calibration.smk"
include: "workflow/rules/controls.smk"
include: "workflow/rules/baselines.smk"
include: "workflow/rules/validation.smk"
include: "workflow/rules/consistency.smk"
include: "workflow/rules/studies.smk"
include: "workflow/rules/samples.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/two_stages.smk"
include: "workflow/rules/freshness.smk"


onstart:
    try:
        demand_empty_queue(Path(scratch("slurm-run")), log)
    except UserError as error:
        raise WorkflowError(str(error)) from None
    # Snakemake (9.27) counts the starts of jobs, at most 100 a second where nothing else is said, and for every job that
    # has run it looks at all waiting jobs again each second. A job that ends wakes the scheduler anyway.
    limiter = getattr(workflow.scheduler, "job_rate_limiter", None)
    limit = [getattr(limiter, name, None) for name in ("max_jobs", "timespan")]
    if limit == [100, 1]:
        workflow.scheduler.job_rate_limiter = None
    jobs = ", ".join(f"{rule} {megabytes:,}" for rule, megabytes in MEMORY.items())
    print(
        f"Memory of a job at most, in MB: {jobs}; others {USUAL:,}.",
        file=sys.stderr,
    )


onerror:
    try:
        cancel_jobs(log)
    except UserError as error:
        raise WorkflowError(str(error)) from None


# One line a job in place of Snakemake's own, which its log file keeps; a dry run shows what would run, as ever.
if workflow.is_main_process and not workflow.output_settings.dryrun:
    print_one_line_a_job(workflow.logger_manager.logger, plan_of)


rule all:
    default_target: True
    input:
        all_results,
