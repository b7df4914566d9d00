"""Images, in three disjoint parts."""


# It may download an archive, and the computing nodes of a cluster often reach no network: it runs beside Snakemake.
localrules:
    prepare_dataset,


rule prepare_dataset:
    output:
        DATASET,
        f"{RESULTS}/dataset/images.npy",
        f"{RESULTS}/dataset/labels.npy",
    log:
        log_of("prepare_dataset"),
    benchmark:
        benchmark_of("prepare_dataset")
    resources:
        mem_mb=2000,
        runtime=120,
    params:
        **stage("prepare_dataset"),
        folder=lambda wildcards, output: Path(output[0]).parent,
    shell:
        command("prepare_dataset", "--out {params.folder}")
