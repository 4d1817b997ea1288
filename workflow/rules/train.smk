# One training and one evaluation for each model, augmentation and seed.
RUN = "results/{budget}/runs/{model}/{augmentation}/seed{seed}"


rule train:
    input:
        # Rewritten with the same content, the dataset makes nothing stale; its checksums are what is compared.
        data=ancient(DATA),
        checksums=CHECKSUMS,
    output:
        history=f"{RUN}/history.csv",
        weights=f"{RUN}/model.safetensors",
        spec=f"{RUN}/spec.json",
        provenance=f"{RUN}/provenance.json",
    log:
        "results/{budget}/logs/train/{model}_{augmentation}_seed{seed}.log",
    benchmark:
        "results/{budget}/benchmarks/train/{model}_{augmentation}_seed{seed}.tsv"
    conda:
        "../../envs/fashion.yaml"
    threads: 8
    resources:
        gpu=1,
        mem_mb=memory,
    params:
        *code("fashion.train"),
        family=lambda wildcards: family_code("fashion.train", family(wildcards)),
        spec=spec,
        folder=subpath(output.history, parent=True),
        # Not an output: Snakemake deletes those of a job that failed or is repeated.
        checkpoint="results/{budget}/checkpoints/{model}_{augmentation}_seed{seed}.safetensors",
        per_gpu=per_gpu,
    shell:
        # `exec`: a signal to all of a job's processes would end its shell while the training still saves its state.
        "exec python -m fashion.lease --per-gpu {params.per_gpu} python -m fashion.train --spec /dev/stdin"
        " --data {input.data} --output {params.folder} --checkpoint {params.checkpoint} --threads {threads} --log {log} <<< {params.spec:q}"


rule evaluate:
    input:
        data=ancient(DATA),
        checksums=CHECKSUMS,
        weights=f"{RUN}/model.safetensors",
        spec=f"{RUN}/spec.json",
    output:
        metrics=f"{RUN}/metrics.json",
        predictions=f"{RUN}/predictions.npz",
    log:
        "results/{budget}/logs/evaluate/{model}_{augmentation}_seed{seed}.log",
    conda:
        "../../envs/fashion.yaml"
    threads: 8
    resources:
        gpu=1,
    params:
        *code("fashion.evaluate"),
        family=lambda wildcards: family_code("fashion.evaluate", family(wildcards)),
        folder=subpath(output.metrics, parent=True),
        per_gpu=per_gpu,
    shell:
        "exec python -m fashion.lease --per-gpu {params.per_gpu} python -m fashion.evaluate --run {params.folder}"
        " --data {input.data} --output {params.folder} --threads {threads} --log {log}"
