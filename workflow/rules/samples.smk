"""Images drawn from p(x) and from p(x | h)."""


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
