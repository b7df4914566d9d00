"""Figures, as vectors and as pictures."""

OF_NETWORKS = (
    "information_plane",
    "information_curves",
    "tap_curves",
    "training_curves",
    "two_stages",
)
FIGURES = (
    *(
        f"{figure}{network}"
        for network in [f"-{name}" for name in experiment.figures_apart] or [""]
        for figure in OF_NETWORKS
    ),
    *(["controls"] if CONTROLS_WANTED else []),
    *(
        f"baseline_planes-{r.encoder}-{r.regime}-seed{r.seed}"
        for r in (experiment.runs if RIVALS_WANTED else [])
    ),
)


rule plot_figures:
    input:
        table=INFORMATION,
        two_stages=TWO_STAGES,
        checkpoints=of_runs(CHECKPOINTS),
        controls=CONTROLS_WANTED,
        rivals=RIVALS_WANTED,
    output:
        [
            (
                report(
                    f"{RESULTS}/figures/{figure}.{form}",
                    category="Information",
                    caption=f"../report/{figure.partition('-')[0]}.rst",
                )
                if form == "svg"
                else f"{RESULTS}/figures/{figure}.{form}"
            )
            for figure in FIGURES
            for form in FORMATS
        ],
    log:
        log_of("plot_figures"),
    conda:
        ENVIRONMENT
    params:
        spec=spec("plot_figures"),
        code=code("plot_figures"),
        folder=lambda wildcards, output: Path(output[0]).parent,
    shell:
        "python -m ib_analysis plot_figures --spec {params.spec:q} --code {params.code} --table {input.table}"
        " --two_stages_table {input.two_stages} --checkpoints {input.checkpoints} --controls {input.controls}"
        " --rivals {input.rivals} --out {params.folder} 2>&1 | tee {log}"


rule plot_samples:
    input:
        samples=of_runs(SAMPLES),
        marginal=MARGINAL_SAMPLES,
    output:
        report(
            directory(f"{RESULTS}/figures/samples"),
            patterns=["{name}.png"],
            category="Samples",
            caption="../report/samples.rst",
        ),
    log:
        log_of("plot_samples"),
    conda:
        ENVIRONMENT
    params:
        spec=spec("plot_samples"),
        code=code("plot_samples"),
    shell:
        "python -m ib_analysis plot_samples --spec {params.spec:q} --code {params.code}"
        " --samples {input.samples} --marginal {input.marginal} --out {output} 2>&1 | tee {log}"
