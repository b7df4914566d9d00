"""What any information must satisfy, tested on the experiment's own images."""


wildcard_constraints:
    test="|".join(CONSISTENCY_TESTS),


use rule fit_trunk as fit_consistency_trunk with:
    output:
        directory(CONSISTENCY_TRUNK),
    log:
        log_of("consistency/seed{seed}/fit_trunk"),
    benchmark:
        benchmark_of("consistency/seed{seed}/fit_trunk")
    params:
        spec=spec("fit_consistency_trunk", "seed"),
        code=code("fit_marginal", "seed", of="fit_consistency_trunk"),
        scratch=scratch("consistency/seed{seed}/trunk"),


use rule fit_marginal as fit_consistency_marginal with:
    input:
        dataset=DATASET,
        trunk=trunk_of_seed,
    output:
        directory(CONSISTENCY_MARGINAL),
    log:
        log_of("consistency/seed{seed}/fit_marginal"),
    benchmark:
        benchmark_of("consistency/seed{seed}/fit_marginal")
    params:
        spec=spec("fit_consistency_marginal", "seed"),
        code=code("fit_marginal", "seed", of="fit_consistency_marginal"),
        scratch=scratch("consistency/seed{seed}/marginal"),


rule measure_consistency:
    input:
        dataset=DATASET,
        marginal=marginal_of_seed,
        trunk=trunk_of_seed,
    output:
        CONSISTENCY_PIECE,
    log:
        log_of("measure_consistency/seed{seed}/{test}"),
    benchmark:
        benchmark_of("measure_consistency/seed{seed}/{test}")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        gpu=1,
        device="auto",
        mem_mb=6000,
        runtime=1440,
    params:
        spec=spec("measure_consistency", "test", "seed"),
        code=code("measure_consistency", "test", "seed"),
        scratch=scratch("consistency/seed{seed}/{test}"),
    shell:
        "python -m ib_analysis measure_consistency --spec {params.spec:q} --code {params.code}"
        " --device {resources.device} --threads {threads} --dataset {input.dataset} --marginal {input.marginal}"
        " --trunk {input.trunk} --scratch {params.scratch} --out {output} 2>&1 | tee {log}"


rule tabulate_consistency:
    input:
        consistency_pieces(),
    output:
        table=CONSISTENCY,
        figure=[
            (
                report(
                    f"{RESULTS}/figures/consistency.{form}",
                    category="Information",
                    caption="../report/consistency.rst",
                )
                if form == "svg"
                else f"{RESULTS}/figures/consistency.{form}"
            )
            for form in FORMATS
        ],
    log:
        log_of("tabulate_consistency"),
    conda:
        ENVIRONMENT
    params:
        spec=spec("tabulate_consistency"),
        code=code("tabulate_consistency"),
        figure=lambda wildcards, output: Path(output.figure[0]).with_suffix(""),
    shell:
        "python -m ib_analysis tabulate_consistency --spec {params.spec:q} --code {params.code}"
        " --pieces {input} --table {output.table} --figure {params.figure} 2>&1 | tee {log}"
