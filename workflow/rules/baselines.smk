"""Baseline estimators at the measured taps, on evaluation images, and their agreement with the decoders."""


rule estimate_baselines:
    input:
        dataset=DATASET,
        checkpoints=CHECKPOINTS,
    output:
        BASELINES_OF_NETWORK,
    log:
        log_of(f"estimate_baselines/{NETWORK}"),
    benchmark:
        benchmark_of(f"estimate_baselines/{NETWORK}")
    group:
        "evaluation"
    threads: DEVICE_THREADS
    resources:
        **on_device(runtime=720),
    params:
        **stage("estimate_baselines", "encoder", "regime", "seed"),
    shell:
        device_command(
            "estimate_baselines",
            "--dataset {input.dataset} --checkpoints {input.checkpoints} --table {output}",
        )


rule tabulate_baselines:
    input:
        information=INFORMATION,
        baselines=of_networks(BASELINES_OF_NETWORK),
    output:
        table=f"{RESULTS}/baselines.csv",
        agreement=f"{RESULTS}/agreement.csv",
    log:
        log_of("tabulate_baselines"),
    group:
        "tables"
    params:
        **stage("tabulate_baselines"),
    shell:
        command(
            "tabulate_baselines",
            "--information {input.information} --baselines {input.baselines}"
            " --table {output.table} --agreement {output.agreement}",
        )
