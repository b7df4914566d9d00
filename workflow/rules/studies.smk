"""The experiment of each paper, and the information in the layers of its networks."""


wildcard_constraints:
    study="|".join(experiment.studies.chosen) or "none",
    piece=r"[a-z0-9_.-]+",


# Studies that measure pieces of their own.
REPEATED = "|".join(experiment.studies.repeated) or "none"


rule run_study:
    input:
        dataset=images_of_study,
    output:
        STUDY_PIECE,
    log:
        log_of("run_study/{study}/{piece}"),
    benchmark:
        benchmark_of("run_study/{study}/{piece}")
    wildcard_constraints:
        study=REPEATED,
    group:
        "pieces"
    threads: DEVICE_THREADS
    resources:
        **on_device(runtime=1440),
    params:
        **stage("run_study", "study", "piece"),
        scratch=scratch("studies/{study}/{piece}"),
    shell:
        device_command(
            "run_study",
            "--dataset {input.dataset} --scratch {params.scratch} --out {output}",
        )


rule tabulate_study:
    input:
        pieces=pieces_of_study,
    output:
        table=STUDY_TABLE,
        verdicts=STUDY_VERDICTS,
        figure=figure("{study}", "Papers", "study"),
        caption=caption("{study}"),
    log:
        log_of("tabulate_study/{study}"),
    wildcard_constraints:
        study=REPEATED,
    group:
        "tables"
    params:
        **stage("tabulate_study", "study"),
        figure=stem_of_figure,
    shell:
        command(
            "tabulate_study",
            "--pieces {input.pieces} --table {output.table} --verdicts {output.verdicts} --figure {params.figure}",
        )


rule judge_two_stages:
    input:
        dataset=DATASET,
        marginal=expand(MIXED_NATS, variant=FITTED),
        nats=of_judged(NATS, FITTED),
        own_nats=of_judged(OWN_NATS, FITTED),
        checkpoints=of_judged(CHECKPOINTS),
    output:
        table=STUDY_TABLE.format(study="darlow2020"),
        verdicts=STUDY_VERDICTS.format(study="darlow2020"),
        figure=figure("darlow2020", "Papers", "study"),
        caption=caption("darlow2020"),
    log:
        log_of("judge_two_stages"),
    group:
        "tables"
    params:
        **stage("judge_two_stages"),
        figure=stem_of_figure,
    shell:
        command(
            "judge_two_stages",
            "--dataset {input.dataset} --marginal {input.marginal} --nats {input.nats}"
            " --own_nats {input.own_nats} --checkpoints {input.checkpoints} --table {output.table}"
            " --verdicts {output.verdicts} --figure {params.figure}",
        )


use rule tabulate_information as tabulate_study_information with:
    input:
        dataset=DATASET,
        marginal=expand(MIXED_NATS, variant=FITTED),
        nats=nats_of_study,
        calibration=CALIBRATION,
    output:
        table=STUDY_INFORMATION,
        two_stages=f"{STUDY}/two_stages.csv",
    log:
        log_of("tabulate_study_information/{study}"),


rule plot_layers:
    input:
        STUDY_INFORMATION,
    output:
        figure=figure("{study}-layers", "Papers", "layers"),
        caption=caption("{study}-layers"),
    log:
        log_of("plot_layers/{study}"),
    group:
        "tables"
    params:
        **stage("plot_layers"),
        figure=stem_of_figure,
    shell:
        command("plot_layers", "--table {input} --figure {params.figure}")


rule tabulate_verdicts:
    input:
        expand(STUDY_VERDICTS, study=experiment.studies.chosen),
    output:
        f"{RESULTS}/verdicts.csv",
    log:
        log_of("tabulate_verdicts"),
    group:
        "tables"
    params:
        **stage("tabulate_verdicts"),
    shell:
        command("tabulate_verdicts", "--verdicts {input} --table {output}")


# One target for each study: `snakemake rir` makes all results of that study.
for study in type(experiment.studies).model_fields:

    rule:
        name:
            study
        input:
            made_by_study(study),


rule six_papers:
    input:
        made_by_every_study,
        REPORT,
