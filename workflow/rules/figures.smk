"""Figures, as PDF, SVG and PNG."""

OF_LABELS = ("information_plane", "plane_frames", "information_curves")
OF_NETWORKS = (
    *OF_LABELS * experiment.dataset.labelled,
    "tap_curves",
    "training_curves",
    "two_stages",
)
SUFFIXES = [f"-{name}" for name in experiment.figures_apart] or [""]
FIGURES = (
    *(f"{figure}{suffix}" for suffix in SUFFIXES for figure in OF_NETWORKS),
    *["deep_plane"]
    * (experiment.dataset.labelled and "darlow2020" in experiment.studies.chosen),
    *["controls"] * len(CONTROLS),
    *(
        f"baseline_planes-{network.encoder}-{network.regime}-seed{network.seed}"
        for network in experiment.networks * len(BASELINES)
    ),
)


rule plot_figures:
    input:
        table=INFORMATION,
        two_stages=TWO_STAGES,
        checkpoints=of_networks(CHECKPOINTS),
        controls=CONTROLS,
        baselines=BASELINES,
    output:
        [
            path
            for stem in FIGURES
            for path in figure(stem, "Information", stem.partition("-")[0])
        ],
        f"{RESULTS}/figures/captions.json",
        movies=[
            f"{RESULTS}/figures/information_plane{suffix}.gif"
            for suffix in SUFFIXES * experiment.dataset.labelled
        ],
    log:
        log_of("plot_figures"),
    group:
        "tables"
    params:
        **stage("plot_figures"),
        folder=lambda wildcards, output: Path(output[0]).parent,
    shell:
        command(
            "plot_figures",
            "--table {input.table} --two_stages_table {input.two_stages} --checkpoints {input.checkpoints}"
            " --controls {input.controls} --baselines {input.baselines} --out {params.folder}",
        )


rule plot_samples:
    input:
        samples=of_networks(SAMPLES),
        marginal=of_measurement(MARGINAL_SAMPLES),
    output:
        report(
            directory(f"{RESULTS}/figures/samples"),
            patterns=["{name}.png"],
            category="Samples",
            caption="../report/samples.rst",
        ),
    log:
        log_of("plot_samples"),
    group:
        "tables"
    params:
        **stage("plot_samples"),
    shell:
        command(
            "plot_samples",
            "--samples {input.samples} --marginal {input.marginal} --out {output}",
        )
