"""Decoders p(x), p(x | h) and p(y | h) of every variant, fitted on the decoder part."""


rule fit_pretrained:
    input:
        dataset=DATASET,
    output:
        directory(PRETRAINED),
    log:
        log_of("{variant}/fit_pretrained"),
    benchmark:
        benchmark_of("{variant}/fit_pretrained")
    priority: 20
    threads: DEVICE_THREADS
    resources:
        **on_device(runtime=2880, mem_mb=MEMORY["fit_pretrained"]),
    params:
        **stage("fit_marginal", of="fit_pretrained"),
        scratch=scratch("{variant}/decoders/pretrained"),
    shell:
        device_command(
            "fit_marginal",
            "--processes {resources.processes} --dataset {input.dataset} --pretrained"
            " --scratch {params.scratch} --out {output}",
        )


rule fit_marginal:
    input:
        dataset=DATASET,
        pretrained=pretrained_of,
    output:
        directory(MARGINAL),
    log:
        log_of("{variant}/fit_marginal"),
    benchmark:
        benchmark_of("{variant}/fit_marginal")
    priority: 10
    threads: DEVICE_THREADS
    resources:
        **on_device(runtime=1440, mem_mb=MEMORY["fit_marginal"]),
    params:
        **stage("fit_marginal"),
        scratch=scratch("{variant}/decoders/marginal"),
    shell:
        device_command(
            "fit_marginal",
            "--processes {resources.processes} --dataset {input.dataset} --pretrained {input.pretrained}"
            " --scratch {params.scratch} --out {output}",
        )


rule fit_class_decoder:
    input:
        dataset=DATASET,
        pretrained=pretrained_of,
    output:
        directory(CLASS_DECODER),
    log:
        log_of("{variant}/fit_class_decoder"),
    benchmark:
        benchmark_of("{variant}/fit_class_decoder")
    priority: 10
    threads: DEVICE_THREADS
    resources:
        **on_device(runtime=1440, mem_mb=MEMORY["fit_class_decoder"]),
    params:
        **stage("fit_class_decoder"),
        scratch=scratch("{variant}/decoders/classes"),
    shell:
        device_command(
            "fit_class_decoder",
            "--processes {resources.processes} --dataset {input.dataset} --pretrained {input.pretrained}"
            " --scratch {params.scratch} --out {output}",
        )


rule fit_decoders:
    input:
        dataset=DATASET,
        checkpoints=CHECKPOINTS,
        pretrained=pretrained_of,
        neighbour=neighbour_of,
    output:
        directory(DECODERS),
    log:
        log_of(f"{{variant}}/fit_decoders/{NETWORK}/epoch{{epoch}}"),
    benchmark:
        benchmark_of(f"{{variant}}/fit_decoders/{NETWORK}/epoch{{epoch}}")
    # CE(x) waits for all points and takes long: what neither needs comes after them.
    priority: 10
    group:
        "fits-epoch{epoch}"
    threads: DEVICE_THREADS
    resources:
        **on_device(runtime=2880, mem_mb=MEMORY["fit_decoders"]),
    params:
        **stage("fit_decoders", "encoder", "regime", "seed", "epoch"),
        scratch=scratch(f"{{variant}}/decoders/{NETWORK}/epoch{{epoch}}"),
    shell:
        device_command(
            "fit_decoders",
            "--processes {resources.processes} --dataset {input.dataset} --checkpoints {input.checkpoints}"
            " --pretrained {input.pretrained} --neighbour {input.neighbour}"
            " --scratch {params.scratch} --out {output}",
        )
