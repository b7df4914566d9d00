"""Decoders and rival estimators where the truth is known."""


rule validate_case:
    output:
        f"{RESULTS}/validation/{{case}}.csv",
    log:
        log_of("validate_case/{case}"),
    benchmark:
        benchmark_of("validate_case/{case}")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        gpu=1,
        device="auto",
        mem_mb=6000,
        runtime=240,
    params:
        spec=spec("validate_case", "case"),
        code=code("validate_case", "case"),
        scratch=scratch("validation/{case}"),
    shell:
        "python -m ib_analysis validate_case --spec {params.spec:q} --code {params.code}"
        " --device {resources.device} --threads {threads} --scratch {params.scratch} --out {output} 2>&1 | tee {log}"


rule tabulate_validation:
    input:
        [f"{RESULTS}/validation/{case}.csv" for case in CASES],
    output:
        table=VALIDATION,
        figure=[
            (
                report(
                    f"{RESULTS}/figures/calibration.{form}",
                    category="Information",
                    caption="../report/calibration.rst",
                )
                if form == "svg"
                else f"{RESULTS}/figures/calibration.{form}"
            )
            for form in FORMATS
        ],
    log:
        log_of("tabulate_validation"),
    conda:
        ENVIRONMENT
    params:
        spec=spec("tabulate_validation"),
        code=code("tabulate_validation"),
        figure=lambda wildcards, output: Path(output.figure[0]).with_suffix(""),
    shell:
        "python -m ib_analysis tabulate_validation --spec {params.spec:q} --code {params.code}"
        " --cases {input} --table {output.table} --figure {params.figure} 2>&1 | tee {log}"
