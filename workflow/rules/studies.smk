"""Each further paper's own experiment, and what its networks keep."""


wildcard_constraints:
    study="|".join(experiment.studies.chosen) or "none",
    piece=r"[a-z0-9_.-]+",


rule run_study:
    input:
        dataset=images_of_study,
    output:
        STUDY_PIECE,
    log:
        log_of("run_study/{study}/{piece}"),
    benchmark:
        benchmark_of("run_study/{study}/{piece}")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        gpu=1,
        device="auto",
        mem_mb=6000,
        runtime=1440,
    params:
        spec=spec("run_study", "study", "piece"),
        code=code("run_study", "study", "piece"),
        scratch=scratch("studies/{study}/{piece}"),
    shell:
        "python -m ib_analysis run_study --spec {params.spec:q} --code {params.code}"
        " --device {resources.device} --threads {threads} --dataset {input.dataset}"
        " --scratch {params.scratch} --out {output} 2>&1 | tee {log}"


rule tabulate_study:
    input:
        pieces=pieces_of_study,
    output:
        table=STUDY_TABLE,
        verdicts=STUDY_VERDICTS,
        figure=[
            (
                report(
                    f"{RESULTS}/figures/{{study}}.{form}",
                    category="Papers",
                    caption="../report/study.rst",
                )
                if form == "svg"
                else f"{RESULTS}/figures/{{study}}.{form}"
            )
            for form in FORMATS
        ],
    log:
        log_of("tabulate_study/{study}"),
    conda:
        ENVIRONMENT
    params:
        spec=spec("tabulate_study", "study"),
        code=code("tabulate_study", "study"),
        figure=lambda wildcards, output: Path(output.figure[0]).with_suffix(""),
    shell:
        "python -m ib_analysis tabulate_study --spec {params.spec:q} --code {params.code} --pieces {input.pieces}"
        " --table {output.table} --verdicts {output.verdicts} --figure {params.figure} 2>&1 | tee {log}"


use rule tabulate_information as tabulate_study_information with:
    input:
        dataset=DATASET,
        marginal=MARGINAL_NATS,
        nats=nats_of_study,
    output:
        table=STUDY_INFORMATION,
        two_stages=f"{STUDY}/two_stages.csv",
    log:
        log_of("tabulate_study_information/{study}"),


rule plot_layers:
    input:
        STUDY_INFORMATION,
    output:
        [
            (
                report(
                    f"{RESULTS}/figures/{{study}}-layers.{form}",
                    category="Papers",
                    caption="../report/layers.rst",
                )
                if form == "svg"
                else f"{RESULTS}/figures/{{study}}-layers.{form}"
            )
            for form in FORMATS
        ],
    log:
        log_of("plot_layers/{study}"),
    conda:
        ENVIRONMENT
    params:
        spec=spec("plot_layers"),
        code=code("plot_layers"),
        figure=lambda wildcards, output: Path(output[0]).with_suffix(""),
    shell:
        "python -m ib_analysis plot_layers --spec {params.spec:q} --code {params.code} --table {input}"
        " --figure {params.figure} 2>&1 | tee {log}"


rule tabulate_verdicts:
    input:
        expand(STUDY_VERDICTS, study=experiment.studies.chosen),
    output:
        VERDICTS,
    log:
        log_of("tabulate_verdicts"),
    conda:
        ENVIRONMENT
    params:
        spec=spec("tabulate_verdicts"),
        code=code("tabulate_verdicts"),
    shell:
        "python -m ib_analysis tabulate_verdicts --spec {params.spec:q} --code {params.code} --verdicts {input}"
        " --table {output} 2>&1 | tee {log}"


rule rir:
    input:
        made_by_study("rir"),


rule stable:
    input:
        made_by_study("stable"),


rule beyond_kernels:
    input:
        made_by_study("beyond_kernels"),


rule quantized:
    input:
        made_by_study("quantized"),


rule shortcut_depth:
    input:
        made_by_study("shortcut_depth"),


rule six_papers:
    input:
        made_by_every_study,
        REPORT,
