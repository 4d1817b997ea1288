# One training for each model, augmentation and seed, which evaluates what it has trained.
RUN = f"{RESULTS}/{files.FOLDER}"
# Not an output, since Snakemake deletes the outputs of a job that failed or is repeated.
STATE = files.run_path(files.CHECKPOINT, ("{wildcards.model}", "{wildcards.augmentation}", "{wildcards.seed}"))


rule train:
    input:
        data=run_data,
    # Snakemake does not delete files marked `update` before the job: a stale evaluation needs the weights.
    output:
        history=update(f"{RUN}/{files.HISTORY}"),
        weights=update(f"{RUN}/{files.WEIGHTS}"),
        spec=update(f"{RUN}/{files.SPEC}"),
        provenance=update(f"{RUN}/{files.PROVENANCE}"),
        metrics=f"{RUN}/{files.METRICS}",
        predictions=f"{RUN}/{files.PREDICTIONS}",
    log:
        f"{RESULTS}/{files.LOG}",
    benchmark:
        f"{RESULTS}/{files.BENCHMARK}"
    conda:
        ENVIRONMENT
    threads: run_threads
    resources:
        gpu=1,
        mem_mb=memory,
    params:
        spec=run_spec,
        code=run_code,
        dataset=canonical_json(CONTENT),
        python=uncompared(ON_GPU),
    shell:
        "{params.python} -m fashion.training.train --spec /dev/stdin --data {input.data} --output $(dirname {output.spec})"
        f" --checkpoint {RESULTS}/{STATE} --threads {{threads}} --log {{log}} <<< {{params.spec:q}}"
