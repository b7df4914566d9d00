"""Nats of evaluation images under every variant, and the table of information of the measurement."""


rule evaluate_marginal:
    input:
        dataset=DATASET,
        decoder=MARGINAL,
    output:
        MARGINAL_NATS,
    log:
        log_of("{variant}/evaluate_marginal"),
    benchmark:
        benchmark_of("{variant}/evaluate_marginal")
    group:
        "evaluation"
    threads: DEVICE_THREADS
    resources:
        **on_device(runtime=240, mem_mb=MEMORY["evaluate_marginal"]),
    params:
        **stage("evaluate_marginal"),
    shell:
        device_command(
            "evaluate_marginal",
            "--dataset {input.dataset} --decoder {input.decoder} --out {output}",
        )


rule evaluate_decoders:
    input:
        dataset=DATASET,
        checkpoints=CHECKPOINTS,
        decoders=of_epochs(DECODERS),
    output:
        NATS,
    log:
        log_of(f"{{variant}}/evaluate_decoders/{NETWORK}"),
    benchmark:
        benchmark_of(f"{{variant}}/evaluate_decoders/{NETWORK}")
    group:
        "evaluation"
    threads: DEVICE_THREADS
    resources:
        **on_device(runtime=720, mem_mb=MEMORY["evaluate_decoders"]),
    params:
        **stage("evaluate_decoders", "encoder", "regime", "seed"),
    shell:
        device_command(
            "evaluate_decoders",
            "--dataset {input.dataset} --checkpoints {input.checkpoints} --decoders {input.decoders} --out {output}",
        )


rule evaluate_own_images:
    input:
        dataset=DATASET,
        checkpoints=CHECKPOINTS,
        marginal=MARGINAL,
        decoders=of_epochs(DECODERS),
    output:
        OWN_NATS,
    log:
        log_of(f"{{variant}}/evaluate_own_images/{NETWORK}"),
    benchmark:
        benchmark_of(f"{{variant}}/evaluate_own_images/{NETWORK}")
    threads: DEVICE_THREADS
    resources:
        **on_device(runtime=720),
    params:
        **stage("evaluate_own_images", "encoder", "regime", "seed"),
    shell:
        device_command(
            "evaluate_own_images",
            "--dataset {input.dataset} --checkpoints {input.checkpoints} --marginal {input.marginal}"
            " --decoders {input.decoders} --out {output}",
        )


rule mix_marginal:
    input:
        dataset=DATASET,
        checkpoints=of_networks(CHECKPOINTS) * MIXES_POINTS,
        marginals=expand(MARGINAL, variant=FITTED),
        classes=expand(CLASS_DECODER, variant=FITTED) * MIXES_CLASSES,
        decoders=of_checkpoints(DECODERS, FITTED) * MIXES_POINTS,
    output:
        nats=expand(MIXED_NATS, variant=FITTED),
        table=MIXTURE,
    log:
        log_of("mix_marginal"),
    benchmark:
        benchmark_of("mix_marginal")
    priority: 10  # long, and one job: at the end it would run alone
    group:
        "evaluation"
    threads: DEVICE_THREADS
    resources:
        **on_device(runtime=720, mem_mb=MEMORY["mix_marginal"]),
    params:
        **stage("mix_marginal"),
    shell:
        device_command(
            "mix_marginal",
            "--dataset {input.dataset} --checkpoints {input.checkpoints} --marginals {input.marginals}"
            " --classes {input.classes} --decoders {input.decoders} --out {output.nats} --table {output.table}",
        )


rule tabulate_information:
    input:
        dataset=DATASET,
        marginal=expand(MIXED_NATS, variant=FITTED),
        nats=of_networks(NATS, variants=FITTED),
        calibration=CALIBRATION,
    output:
        table=INFORMATION,
        two_stages=TWO_STAGES,
    log:
        log_of("tabulate_information"),
    group:
        "tables"
    params:
        **stage("tabulate_information"),
    shell:
        command(
            "tabulate_information",
            "--dataset {input.dataset} --marginal {input.marginal} --nats {input.nats}"
            " --calibration {input.calibration} --table {output.table} --two_stages {output.two_stages}",
        )


rule tabulate_learned:
    input:
        dataset=DATASET,
        marginal=expand(MARGINAL_NATS, variant=FITTED),
        nats=of_networks(NATS, variants=FITTED),
        own_nats=of_networks(OWN_NATS, variants=FITTED),
    output:
        table=f"{RESULTS}/learned.csv",
    log:
        log_of("tabulate_learned"),
    group:
        "tables"
    params:
        **stage("tabulate_learned"),
    shell:
        command(
            "tabulate_learned",
            "--dataset {input.dataset} --marginal {input.marginal} --nats {input.nats} --own_nats {input.own_nats}"
            " --table {output.table}",
        )
