"""Nats per image on the evaluation part, and the information that they add up to."""


rule evaluate_marginal:
    input:
        dataset=DATASET,
        decoder=MARGINAL,
    output:
        MARGINAL_NATS,
    log:
        log_of("evaluate_marginal"),
    benchmark:
        benchmark_of("evaluate_marginal")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        gpu=1,
        device="auto",
        mem_mb=6000,
        runtime=240,
    params:
        spec=spec("evaluate_marginal"),
        code=code("evaluate_marginal"),
    shell:
        "python -m ib_analysis evaluate_marginal --spec {params.spec:q} --code {params.code}"
        " --device {resources.device} --threads {threads} --dataset {input.dataset}"
        " --decoder {input.decoder} --out {output} 2>&1 | tee {log}"


rule evaluate_decoders:
    input:
        dataset=DATASET,
        checkpoints=CHECKPOINTS,
        decoders=of_epochs(DECODERS),
    output:
        NATS,
    log:
        log_of(f"evaluate_decoders/{RUN}"),
    benchmark:
        benchmark_of(f"evaluate_decoders/{RUN}")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        gpu=1,
        device="auto",
        mem_mb=6000,
        runtime=720,
    params:
        spec=spec("evaluate_decoders", "encoder", "regime", "seed"),
        code=code("evaluate_decoders", "encoder", "regime", "seed"),
    shell:
        "python -m ib_analysis evaluate_decoders --spec {params.spec:q} --code {params.code}"
        " --device {resources.device} --threads {threads} --dataset {input.dataset}"
        " --checkpoints {input.checkpoints} --decoders {input.decoders} --out {output} 2>&1 | tee {log}"


rule tabulate_information:
    input:
        dataset=DATASET,
        marginal=MARGINAL_NATS,
        nats=of_runs(NATS),
    output:
        table=INFORMATION,
        two_stages=TWO_STAGES,
    log:
        log_of("tabulate_information"),
    conda:
        ENVIRONMENT
    params:
        code=code("tabulate_information"),
    shell:
        "python -m ib_analysis tabulate_information --code {params.code} --dataset {input.dataset}"
        " --marginal {input.marginal} --nats {input.nats} --table {output.table}"
        " --two_stages {output.two_stages} 2>&1 | tee {log}"
