"""Images drawn from p(x) and from p(x | h), and what they share with their originals."""


rule draw_marginal:
    input:
        dataset=DATASET,
        decoder=MARGINAL,
    output:
        MARGINAL_SAMPLES,
    log:
        log_of("{variant}/draw_marginal"),
    benchmark:
        benchmark_of("{variant}/draw_marginal")
    group:
        "evaluation"
    threads: DEVICE_THREADS
    resources:
        **on_device(runtime=120),
    params:
        **stage("draw_marginal"),
    shell:
        device_command(
            "draw_marginal",
            "--dataset {input.dataset} --decoder {input.decoder} --out {output}",
        )


rule draw_samples:
    input:
        dataset=DATASET,
        checkpoints=CHECKPOINTS,
        decoders=of_epochs(DECODERS),
    output:
        SAMPLES,
    log:
        log_of(f"{{variant}}/draw_samples/{NETWORK}"),
    benchmark:
        benchmark_of(f"{{variant}}/draw_samples/{NETWORK}")
    group:
        "evaluation"
    threads: DEVICE_THREADS
    resources:
        **on_device(runtime=480),
    params:
        **stage("draw_samples", "encoder", "regime", "seed"),
    shell:
        device_command(
            "draw_samples",
            "--dataset {input.dataset} --checkpoints {input.checkpoints} --decoders {input.decoders} --out {output}",
        )


rule train_judge:
    input:
        dataset=DATASET,
    output:
        directory(JUDGE),
    log:
        log_of("train_judge"),
    benchmark:
        benchmark_of("train_judge")
    group:
        "networks"
    threads: DEVICE_THREADS
    resources:
        **on_device(runtime=240),
    params:
        **stage("train_judge"),
        scratch=scratch("judge"),
    shell:
        device_command(
            "train_judge",
            "--dataset {input.dataset} --scratch {params.scratch} --out {output}",
        )


rule tabulate_forgetting:
    input:
        dataset=DATASET,
        judge=JUDGE,
        samples=of_networks(SAMPLES),
    output:
        table=f"{RESULTS}/forgetting.csv",
        changes=f"{RESULTS}/forgetting_changes.csv",
    log:
        log_of("tabulate_forgetting"),
    benchmark:
        benchmark_of("tabulate_forgetting")
    threads: DEVICE_THREADS
    resources:
        **on_device(runtime=120),
    params:
        **stage("tabulate_forgetting"),
    shell:
        device_command(
            "tabulate_forgetting",
            "--dataset {input.dataset} --judge {input.judge} --samples {input.samples} --table {output.table}"
            " --changes {output.changes}",
        )
