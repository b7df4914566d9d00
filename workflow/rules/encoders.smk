"""The networks under study, at the epochs that are measured."""


rule train_encoder:
    input:
        dataset=DATASET,
    output:
        directory(CHECKPOINTS),
    log:
        log_of(f"train_encoder/{RUN}"),
    benchmark:
        benchmark_of(f"train_encoder/{RUN}")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        gpu=1,
        device="auto",
        mem_mb=6000,
        runtime=1440,
    params:
        spec=spec("train_encoder", "encoder", "regime", "seed"),
        code=code("train_encoder", "encoder", "regime", "seed"),
        scratch=scratch(f"encoders/{RUN}"),
    shell:
        "python -m ib_analysis train_encoder --spec {params.spec:q} --code {params.code}"
        " --device {resources.device} --threads {threads} --dataset {input.dataset}"
        " --scratch {params.scratch} --out {output} 2>&1 | tee {log}"
