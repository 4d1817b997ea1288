# One training and one evaluation for each model, augmentation and seed.
RUN = "results/{study}/runs/{model}/{augmentation}/seed{seed}"


rule train:
    input:
        **DATASET_FILES,
    output:
        history=f"{RUN}/{HISTORY}",
        weights=f"{RUN}/{WEIGHTS}",
        spec=f"{RUN}/{SPEC}",
        provenance=f"{RUN}/{PROVENANCE}",
    log:
        "results/{study}/logs/train/{model}_{augmentation}_seed{seed}.log",
    benchmark:
        "results/{study}/benchmarks/train/{model}_{augmentation}_seed{seed}.tsv"
    conda:
        "../../envs/fashion.yaml"
    threads: run_threads
    resources:
        gpu=1,
        mem_mb=memory,
    params:
        *code(*TRAINING),
        family=lambda wildcards: family_code(family(wildcards)),
        spec=spec,
        # A function of `output`, which Snakemake does not compare: where a run takes place makes nothing stale.
        lease=lambda wildcards, output: LEASE,
        folder=subpath(output.history, parent=True),
        # Not an output: Snakemake deletes those of a job that failed or is repeated.
        checkpoint="results/{study}/checkpoints/{model}_{augmentation}_seed{seed}.safetensors",
        # Their logs too. Under a second name this one outlives that, and each attempt is appended to it.
        attempts="results/{study}/logs/train/{model}_{augmentation}_seed{seed}.attempts",
    shell:
        "touch {params.attempts}; ln -f {params.attempts} {log} || true; "
        "{params.lease} python -m fashion.training.train --spec /dev/stdin --data {input.data} --output {params.folder}"
        " --checkpoint {params.checkpoint} --threads {threads} --log {log} <<< {params.spec:q}"


rule evaluate:
    input:
        **DATASET_FILES,
        weights=f"{RUN}/{WEIGHTS}",
        spec=f"{RUN}/{SPEC}",
    output:
        metrics=f"{RUN}/{METRICS}",
        predictions=f"{RUN}/{PREDICTIONS}",
    log:
        "results/{study}/logs/evaluate/{model}_{augmentation}_seed{seed}.log",
    conda:
        "../../envs/fashion.yaml"
    threads: run_threads
    resources:
        gpu=1,
    params:
        *code(*EVALUATION),
        family=lambda wildcards: family_code(family(wildcards)),
        lease=lambda wildcards, output: LEASE,
        folder=subpath(output.metrics, parent=True),
    shell:
        "{params.lease} python -m fashion.training.evaluate --run {params.folder} --data {input.data} --output {params.folder}"
        " --threads {threads} --log {log}"
