"""The measurement repeated under controls: the same rules, with the decoders of each control."""


wildcard_constraints:
    control="|".join(map(re.escape, experiment.controlled)) or "none",


use rule fit_trunk as fit_control_trunk with:
    output:
        directory(in_control(TRUNK)),
    log:
        log_of("controls/{control}/fit_trunk"),
    benchmark:
        benchmark_of("controls/{control}/fit_trunk")
    params:
        spec=spec("fit_trunk"),
        code=code("fit_marginal", of="fit_trunk"),
        scratch=scratch("controls/{control}/decoders/trunk"),


use rule fit_marginal as fit_control_marginal with:
    input:
        dataset=DATASET,
        trunk=trunk_of_control,
    output:
        directory(in_control(MARGINAL)),
    log:
        log_of("controls/{control}/fit_marginal"),
    benchmark:
        benchmark_of("controls/{control}/fit_marginal")
    params:
        spec=spec("fit_marginal"),
        code=code("fit_marginal"),
        scratch=scratch("controls/{control}/decoders/marginal"),


use rule fit_decoders as fit_control_decoders with:
    input:
        dataset=DATASET,
        checkpoints=CHECKPOINTS,
        marginal=marginal_of_control,
        trunk=trunk_of_control,
        neighbour=neighbour_of(in_control(DECODERS)),
    output:
        directory(in_control(DECODERS)),
    log:
        log_of(f"controls/{{control}}/fit_decoders/{RUN}/epoch{{epoch}}"),
    benchmark:
        benchmark_of(f"controls/{{control}}/fit_decoders/{RUN}/epoch{{epoch}}")
    params:
        spec=spec("fit_decoders", "encoder", "regime", "seed", "epoch"),
        code=code("fit_decoders", "encoder", "regime", "seed", "epoch"),
        scratch=scratch(f"controls/{{control}}/decoders/{RUN}/epoch{{epoch}}"),


use rule evaluate_marginal as evaluate_control_marginal with:
    input:
        dataset=DATASET,
        decoder=in_control(MARGINAL),
    output:
        in_control(MARGINAL_NATS),
    log:
        log_of("controls/{control}/evaluate_marginal"),
    benchmark:
        benchmark_of("controls/{control}/evaluate_marginal")


use rule evaluate_decoders as evaluate_control_decoders with:
    input:
        dataset=DATASET,
        checkpoints=CHECKPOINTS,
        decoders=of_epochs(in_control(DECODERS)),
    output:
        in_control(NATS),
    log:
        log_of(f"controls/{{control}}/evaluate_decoders/{RUN}"),
    benchmark:
        benchmark_of(f"controls/{{control}}/evaluate_decoders/{RUN}")


rule tabulate_controls:
    input:
        dataset=DATASET,
        marginal=MARGINAL_NATS,
        nats=of_runs(NATS),
        identity=of_identity(NATS),
        controls=of_controls(NATS),
        marginals=own_marginals(MARGINAL_NATS),
    output:
        table=CONTROLS,
    log:
        log_of("tabulate_controls"),
    conda:
        ENVIRONMENT
    params:
        spec=spec("tabulate_controls"),
        code=code("tabulate_controls"),
    shell:
        "python -m ib_analysis tabulate_controls --spec {params.spec:q} --code {params.code}"
        " --dataset {input.dataset} --marginal {input.marginal} --nats {input.nats} --identity {input.identity}"
        " --controls {input.controls} --marginals {input.marginals}"
        " --table {output.table} 2>&1 | tee {log}"
