"""The table of controls; the rules of decoders and information measure their numbers."""


rule tabulate_controls:
    input:
        dataset=DATASET,
        marginal=of_measurement(MARGINAL_NATS),
        mixture=of_measurement(MIXED_NATS),
        nats=of_networks(NATS),
        identity=of_networks(NATS, experiment.identity_networks),
        controls=of_networks(NATS, variants=experiment.controlled),
        marginals=expand(MARGINAL_NATS, variant=OWN_MARGINALS),
    output:
        table=f"{RESULTS}/controls.csv",
    log:
        log_of("tabulate_controls"),
    group:
        "tables"
    params:
        **stage("tabulate_controls"),
    shell:
        command(
            "tabulate_controls",
            "--dataset {input.dataset} --marginal {input.marginal} --mixture {input.mixture} --nats {input.nats}"
            " --identity {input.identity}"
            " --controls {input.controls} --marginals {input.marginals} --table {output.table}",
        )
