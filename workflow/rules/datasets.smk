"""Images, in three disjoint parts."""


rule prepare_dataset:
    output:
        DATASET,
        f"{RESULTS}/dataset/images.npy",
        f"{RESULTS}/dataset/labels.npy",
    log:
        log_of("prepare_dataset"),
    benchmark:
        benchmark_of("prepare_dataset")
    conda:
        ENVIRONMENT
    resources:
        mem_mb=2000,
        runtime=120,
    params:
        spec=spec("prepare_dataset"),
        code=code("prepare_dataset"),
        folder=lambda wildcards, output: Path(output[0]).parent,
    shell:
        "python -m ib_analysis prepare_dataset --spec {params.spec:q} --code {params.code}"
        " --out {params.folder} 2>&1 | tee {log}"
