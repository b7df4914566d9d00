"""The calibration ladder: what the decoders read of codes whose information is known."""


wildcard_constraints:
    group="|".join(GROUPS) or "none",


rule measure_calibration:
    input:
        dataset=DATASET,
        checkpoints=checkpoints_of_rungs,
        pretrained=pretrained_of,
    output:
        RUNGS,
    log:
        log_of("{variant}/measure_calibration/{group}"),
    benchmark:
        benchmark_of("{variant}/measure_calibration/{group}")
    group:
        "pieces"
    threads: DEVICE_THREADS
    resources:
        **on_device(runtime=1440, mem_mb=MEMORY["measure_calibration"]),
    params:
        **stage("measure_calibration", "group"),
        scratch=scratch("{variant}/calibration/{group}"),
    shell:
        device_command(
            "measure_calibration",
            "--dataset {input.dataset} --checkpoints {input.checkpoints} --pretrained {input.pretrained}"
            " --scratch {params.scratch} --out {output}",
        )


rule tabulate_calibration:
    input:
        dataset=DATASET,
        marginal=expand(MIXED_NATS, variant=FITTED),
        rungs=expand(RUNGS, variant=FITTED, group=GROUPS),
    output:
        table=f"{RESULTS}/calibration.csv",
        figure=figure("ladder", "Information", "ladder"),
        caption=caption("ladder"),
    log:
        log_of("tabulate_calibration"),
    group:
        "tables"
    params:
        **stage("tabulate_calibration"),
        figure=stem_of_figure,
    shell:
        command(
            "tabulate_calibration",
            "--dataset {input.dataset} --marginal {input.marginal} --rungs {input.rungs}"
            " --table {output.table} --figure {params.figure}",
        )
