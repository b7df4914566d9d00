"""The laboratory as a DAG: validate the experiment, include the rules, say what is wanted."""

from pathlib import Path

from snakemake.common.configfile import load_configfile
from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

from ib_analysis.configuration import demand_unique_keys, merged
from ib_analysis.device_name import check_device
from ib_analysis.experiment import load_experiment
from ib_analysis.errors import UserError
from ib_analysis.job_lines import print_one_line_a_job
from ib_analysis.provenance import canonical_json, stage_digest
from ib_analysis.run_plan import plan_run

min_version("9.27")

# The files of --configfile, or this one, under what --config changes. Snakemake's own merge keeps the keys of another
# kind, and takes --config alone for the whole.
files = workflow.overwrite_configfiles or [
    Path(workflow.basedir) / "workflow/config/six-papers.yaml"
]
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


# One line a job in place of Snakemake's own, which its log file keeps; a dry run shows what would run, as ever.
if workflow.is_main_process and not workflow.output_settings.dryrun:
    print_one_line_a_job(workflow.logger_manager.logger, plan_of)


rule all:
    default_target: True
    input:
        REPORT,
