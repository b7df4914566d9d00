"""One page that opens offline."""


rule write_report:
    input:
        dataset=DATASET,
        table=INFORMATION,
        two_stages=TWO_STAGES,
        figures=rules.plot_figures.output,
        samples=rules.plot_samples.output,
        controls=CONTROLS_WANTED,
        agreement=AGREEMENT_WANTED,
        validation=VALIDATION_WANTED,
        consistency=CONSISTENCY_WANTED,
        verdicts=VERDICTS_WANTED,
        studies=figures_of_studies,
        checkpoints=of_runs(CHECKPOINTS),
        marginal=MARGINAL,
        decoders=[
            path
            for run in experiment.runs
            for path in expand(
                DECODERS, **run._asdict(), epoch=experiment.study(run.encoder).epochs
            )
        ],
    output:
        page=REPORT,
        tables=directory(f"{RESULTS}/tables"),
    log:
        log_of("write_report"),
    conda:
        ENVIRONMENT
    params:
        spec=spec("write_report"),
        code=code("write_report"),
        figures=lambda wildcards, input: Path(input.figures[0]).parent,
    shell:
        "python -m ib_analysis write_report --spec {params.spec:q} --code {params.code}"
        " --dataset {input.dataset} --table {input.table} --two_stages {input.two_stages}"
        " --figures {params.figures} --samples {input.samples} --checkpoints {input.checkpoints} --marginal {input.marginal}"
        " --decoders {input.decoders} --controls {input.controls}"
        " --agreement {input.agreement} --validation {input.validation} --consistency {input.consistency} --verdicts {input.verdicts} --tables {output.tables} --out {output.page} 2>&1 | tee {log}"
