"""The laboratory as a DAG: validate the experiment, include the rules, say what is wanted."""

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

from ib_analysis.experiment import load_experiment
from ib_analysis.errors import UserError
from ib_analysis.provenance import canonical_json, stage_digest

min_version("9.27")

if not config:

    configfile: "workflow/config/six-papers.yaml"


try:
    experiment = load_experiment(config)
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
include: "workflow/rules/controls.smk"
include: "workflow/rules/baselines.smk"
include: "workflow/rules/validation.smk"
include: "workflow/rules/consistency.smk"
include: "workflow/rules/studies.smk"
include: "workflow/rules/samples.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        REPORT,
