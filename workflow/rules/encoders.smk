"""The measured networks, at the measured epochs."""


rule train_encoder:
    input:
        dataset=DATASET,
        weights=weights_of,
    output:
        directory(CHECKPOINTS),
    log:
        log_of(f"train_encoder/{NETWORK}"),
    benchmark:
        benchmark_of(f"train_encoder/{NETWORK}")
    priority: 15  # points wait for the network
    group:
        "networks"
    threads: DEVICE_THREADS
    resources:
        **on_device(runtime=1440),
    params:
        **stage("train_encoder", "encoder", "regime", "seed"),
        scratch=scratch(f"encoders/{NETWORK}"),
    shell:
        device_command(
            "train_encoder",
            "--dataset {input.dataset} --weights {input.weights} --scratch {params.scratch} --out {output}",
        )
