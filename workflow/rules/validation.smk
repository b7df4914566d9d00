"""Decoders and baseline estimators on cases with known information."""


rule validate_case:
    output:
        CASE,
    log:
        log_of("validate_case/{case}"),
    benchmark:
        benchmark_of("validate_case/{case}")
    group:
        "pieces"
    threads: DEVICE_THREADS
    resources:
        **on_device(runtime=240),
    params:
        **stage("validate_case", "case"),
        scratch=scratch("validation/{case}"),
    shell:
        device_command("validate_case", "--scratch {params.scratch} --out {output}")


rule tabulate_validation:
    input:
        cases=expand(CASE, case=JUDGED_CASES),
        calibrating=expand(CASE, case=CALIBRATING_CASES),
    output:
        table=f"{RESULTS}/validation.csv",
        figure=figure("calibration", "Information", "calibration"),
        caption=caption("calibration"),
    log:
        log_of("tabulate_validation"),
    group:
        "tables"
    params:
        **stage("tabulate_validation"),
        figure=stem_of_figure,
    shell:
        command(
            "tabulate_validation",
            "--cases {input.cases} --calibrating {input.calibrating}"
            " --table {output.table} --figure {params.figure}",
        )
