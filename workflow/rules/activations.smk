"""Hidden activations to keep: made only when asked for, since decoders come by theirs on their own.

snakemake results/<experiment>/activations/<encoder>/<regime>/seed<seed>/epoch<epoch>
"""


rule store_activations:
    input:
        dataset=DATASET,
        checkpoints=CHECKPOINTS,
    output:
        directory(f"{RESULTS}/activations/{RUN}/epoch{{epoch}}"),
    log:
        log_of(f"store_activations/{RUN}/epoch{{epoch}}"),
    benchmark:
        benchmark_of(f"store_activations/{RUN}/epoch{{epoch}}")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        gpu=1,
        device="auto",
        mem_mb=6000,
        runtime=120,
    params:
        spec=spec("store_activations", "encoder", "regime", "epoch"),
        code=code("store_activations", "encoder", "regime", "epoch"),
    shell:
        "python -m ib_analysis store_activations --spec {params.spec:q} --code {params.code}"
        " --device {resources.device} --threads {threads} --dataset {input.dataset}"
        " --checkpoints {input.checkpoints} --out {output} 2>&1 | tee {log}"
