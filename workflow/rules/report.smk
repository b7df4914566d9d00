"""The report, one HTML page that opens offline."""


rule write_report:
    input:
        dataset=DATASET,
        table=INFORMATION,
        two_stages=TWO_STAGES,
        mixture=MIXTURE,
        calibration=CALIBRATION,
        figures=[*rules.plot_figures.output, *drawn(CHECKS)],
        sheets=rules.plot_samples.output,
        samples=of_networks(SAMPLES),
        forgetting=FORGETTING,
        controls=CONTROLS,
        agreement=AGREEMENT,
        learned=LEARNED,
        validation=VALIDATION,
        consistency=CONSISTENCY,
        verdicts=VERDICTS,
        studies=figures_of_studies,
        checkpoints=of_networks(CHECKPOINTS),
        marginal=expand(MARGINAL, variant=FITTED),
        decoders=of_checkpoints(DECODERS, FITTED),
    output:
        page=REPORT,
        trust=figure("trust", "Checks", "trust"),
        tables=directory(f"{RESULTS}/tables"),
    log:
        log_of("write_report"),
    group:
        "tables"
    params:
        **stage("write_report"),
        trust=lambda wildcards, output: Path(output.trust[0]).with_suffix(""),
    shell:
        command(
            "write_report",
            "--dataset {input.dataset} --table {input.table} --two_stages {input.two_stages} --mixture {input.mixture}"
            " --calibration {input.calibration}"
            " --figures {input.figures} {input.studies} --sheets {input.sheets} --samples {input.samples}"
            " --forgetting {input.forgetting} --checkpoints {input.checkpoints}"
            " --marginal {input.marginal} --decoders {input.decoders} --controls {input.controls}"
            " --agreement {input.agreement} --learned {input.learned} --validation {input.validation}"
            " --consistency {input.consistency} --verdicts {input.verdicts}"
            " --trust {params.trust} --tables {output.tables} --out {output.page}",
        )
