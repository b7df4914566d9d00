"""The targets of the two stages of learning, and a page of what is there while they are made."""


rule two_stages:
    input:
        made_by_study("darlow2020"),
        VERDICTS,
        REPORT,


rule two_stages_quick:
    input:
        made_by_study("darlow2020"),
        VERDICTS,
        REPORT,


# It names what the run will make as parameters: as inputs it would wait for them. Without an output it runs when asked.
rule two_stages_so_far:
    log:
        log_of("write_so_far"),
    params:
        **stage("write_so_far"),
        checkpoints=of_networks(CHECKPOINTS),
        marginal=expand(MARGINAL, variant=FITTED),
        decoders=of_checkpoints(DECODERS, FITTED),
        nats=of_networks(NATS, variants=FITTED),
        samples=of_networks(SAMPLES),
        results=[INFORMATION, TWO_STAGES, *FORGETTING, *VERDICTS, REPORT],
        out=SO_FAR,
    shell:
        command(
            "write_so_far",
            "--checkpoints {params.checkpoints} --marginal {params.marginal} --decoders {params.decoders}"
            " --nats {params.nats} --samples {params.samples} --results {params.results} --out {params.out}",
        )


use rule two_stages_so_far as two_stages_quick_so_far with:
    log:
        log_of("write_so_far"),
