"""Decoders p(x), p(x | h) and p(y | h), fitted on the decoder part."""


rule fit_trunk:
    input:
        dataset=DATASET,
    output:
        directory(TRUNK),
    log:
        log_of("fit_trunk"),
    benchmark:
        benchmark_of("fit_trunk")
    priority: 20
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        gpu=1,
        processes=1,
        device="auto",
        mem_mb=6000,
        runtime=2880,
    params:
        spec=spec("fit_trunk"),
        code=code("fit_marginal", of="fit_trunk"),
        scratch=scratch("decoders/trunk"),
    shell:
        "python -m ib_analysis fit_marginal --spec {params.spec:q} --code {params.code}"
        " --device {resources.device} --processes {resources.processes} --threads {threads}"
        " --dataset {input.dataset} --trunk --scratch {params.scratch} --out {output} 2>&1 | tee {log}"


rule fit_marginal:
    input:
        dataset=DATASET,
        trunk=STARTS_FROM,
    output:
        directory(MARGINAL),
    log:
        log_of("fit_marginal"),
    benchmark:
        benchmark_of("fit_marginal")
    priority: 10
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        gpu=1,
        processes=1,
        device="auto",
        mem_mb=6000,
        runtime=1440,
    params:
        spec=spec("fit_marginal"),
        code=code("fit_marginal"),
        scratch=scratch("decoders/marginal"),
    shell:
        "python -m ib_analysis fit_marginal --spec {params.spec:q} --code {params.code}"
        " --device {resources.device} --processes {resources.processes} --threads {threads}"
        " --dataset {input.dataset} --trunk {input.trunk} --scratch {params.scratch} --out {output} 2>&1 | tee {log}"


rule fit_decoders:
    input:
        dataset=DATASET,
        checkpoints=CHECKPOINTS,
        marginal=MARGINAL,
        trunk=STARTS_FROM,
        neighbour=neighbour_of(DECODERS),
    output:
        directory(DECODERS),
    log:
        log_of(f"fit_decoders/{RUN}/epoch{{epoch}}"),
    benchmark:
        benchmark_of(f"fit_decoders/{RUN}/epoch{{epoch}}")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        gpu=1,
        processes=1,
        device="auto",
        mem_mb=6000,
        runtime=2880,
    params:
        spec=spec("fit_decoders", "encoder", "regime", "seed", "epoch"),
        code=code("fit_decoders", "encoder", "regime", "seed", "epoch"),
        scratch=scratch(f"decoders/{RUN}/epoch{{epoch}}"),
    shell:
        "python -m ib_analysis fit_decoders --spec {params.spec:q} --code {params.code}"
        " --device {resources.device} --processes {resources.processes} --threads {threads}"
        " --dataset {input.dataset} --checkpoints {input.checkpoints} --marginal {input.marginal}"
        " --trunk {input.trunk} --neighbour {input.neighbour}"
        " --scratch {params.scratch} --out {output} 2>&1 | tee {log}"
