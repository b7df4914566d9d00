"""Laws that any information satisfies, tested on the images of the experiment with the decoders of a variant."""


wildcard_constraints:
    test="|".join(CONSISTENCY_TESTS),


rule measure_consistency:
    input:
        dataset=DATASET,
        marginal=MARGINAL,
        pretrained=pretrained_of,
    output:
        CONSISTENCY_PIECE,
    log:
        log_of("{variant}/measure_consistency/{test}"),
    benchmark:
        benchmark_of("{variant}/measure_consistency/{test}")
    priority: 5  # long, and few: at the end one of them would run alone
    group:
        "pieces"
    threads: DEVICE_THREADS
    resources:
        **on_device(runtime=1440),
    params:
        **stage("measure_consistency", "test"),
        scratch=scratch("{variant}/consistency/{test}"),
    shell:
        device_command(
            "measure_consistency",
            "--dataset {input.dataset} --marginal {input.marginal} --pretrained {input.pretrained}"
            " --scratch {params.scratch} --out {output}",
        )


rule tabulate_consistency:
    input:
        expand(CONSISTENCY_PIECE, variant=TESTED, test=CONSISTENCY_TESTS),
    output:
        table=f"{RESULTS}/consistency.csv",
        figure=figure("consistency", "Information", "consistency"),
        caption=caption("consistency"),
    log:
        log_of("tabulate_consistency"),
    group:
        "tables"
    params:
        **stage("tabulate_consistency"),
        figure=stem_of_figure,
    shell:
        command(
            "tabulate_consistency",
            "--pieces {input} --table {output.table} --figure {params.figure}",
        )
