"""Other estimators at the same taps, on the same images, and where they agree with the decoders."""

OF_RIVALS = f"{RESULTS}/rivals/{RUN}"


rule estimate_rivals:
    input:
        dataset=DATASET,
        checkpoints=CHECKPOINTS,
    output:
        table=f"{OF_RIVALS}.csv",
    log:
        log_of(f"estimate_rivals/{RUN}"),
    benchmark:
        benchmark_of(f"estimate_rivals/{RUN}")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        gpu=1,
        device="auto",
        mem_mb=6000,
        runtime=720,
    params:
        spec=spec("estimate_rivals", "encoder", "regime", "seed"),
        code=code("estimate_rivals", "encoder", "regime", "seed"),
    shell:
        "python -m ib_analysis estimate_rivals --spec {params.spec:q} --code {params.code}"
        " --device {resources.device} --threads {threads} --dataset {input.dataset}"
        " --checkpoints {input.checkpoints} --table {output.table} 2>&1 | tee {log}"


rule tabulate_rivals:
    input:
        information=INFORMATION,
        rivals=of_runs(f"{OF_RIVALS}.csv"),
    output:
        table=RIVALS,
        agreement=AGREEMENT,
    log:
        log_of("tabulate_rivals"),
    conda:
        ENVIRONMENT
    params:
        spec=spec("tabulate_rivals"),
        code=code("tabulate_rivals"),
    shell:
        "python -m ib_analysis tabulate_rivals --spec {params.spec:q} --code {params.code}"
        " --information {input.information} --rivals {input.rivals}"
        " --table {output.table} --agreement {output.agreement} 2>&1 | tee {log}"
