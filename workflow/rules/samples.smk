"""Images drawn from what a layer still knows."""


rule draw_marginal:
    input:
        dataset=DATASET,
        decoder=MARGINAL,
    output:
        MARGINAL_SAMPLES,
    log:
        log_of("draw_marginal"),
    benchmark:
        benchmark_of("draw_marginal")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        gpu=1,
        device="auto",
        mem_mb=6000,
        runtime=120,
    params:
        spec=spec("draw_marginal"),
        code=code("draw_marginal"),
    shell:
        "python -m ib_analysis draw_marginal --spec {params.spec:q} --code {params.code}"
        " --device {resources.device} --threads {threads} --dataset {input.dataset}"
        " --decoder {input.decoder} --out {output} 2>&1 | tee {log}"


rule draw_samples:
    input:
        dataset=DATASET,
        checkpoints=CHECKPOINTS,
        decoders=of_epochs(DECODERS),
    output:
        SAMPLES,
    log:
        log_of(f"draw_samples/{RUN}"),
    benchmark:
        benchmark_of(f"draw_samples/{RUN}")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        gpu=1,
        device="auto",
        mem_mb=6000,
        runtime=480,
    params:
        spec=spec("draw_samples", "encoder", "regime", "seed"),
        code=code("draw_samples", "encoder", "regime", "seed"),
    shell:
        "python -m ib_analysis draw_samples --spec {params.spec:q} --code {params.code}"
        " --device {resources.device} --threads {threads} --dataset {input.dataset}"
        " --checkpoints {input.checkpoints} --decoders {input.decoders} --out {output} 2>&1 | tee {log}"
