# One training and one evaluation for each model, augmentation and seed.
RUN = f"{RESULTS}/{FOLDER}"
# Not an output: Snakemake deletes those of a job that failed or is repeated.
STATE = run_path(CHECKPOINT, ("{wildcards.model}", "{wildcards.augmentation}", "{wildcards.seed}"))


rule train:
    input:
        **DATASET_FILES,
    output:
        history=f"{RUN}/{HISTORY}",
        weights=f"{RUN}/{WEIGHTS}",
        spec=f"{RUN}/{SPEC}",
        provenance=f"{RUN}/{PROVENANCE}",
    log:
        f"{RESULTS}/{TRAINING_LOG}",
    benchmark:
        f"{RESULTS}/{BENCHMARK}"
    conda:
        ENVIRONMENT
    threads: run_threads
    resources:
        gpu=1,
        mem_mb=memory,
    params:
        spec=run_spec,
        code=training_code,
    shell:
        "{ON_GPU} -m fashion.training.train --spec /dev/stdin --data {input.data} --output $(dirname {output.spec})"
        f" --checkpoint {RESULTS}/{STATE} --threads {{threads}} --log {{log}} <<< {{params.spec:q}}"


rule evaluate:
    input:
        **DATASET_FILES,
        weights=f"{RUN}/{WEIGHTS}",
        spec=f"{RUN}/{SPEC}",
    output:
        metrics=f"{RUN}/{METRICS}",
        predictions=f"{RUN}/{PREDICTIONS}",
    log:
        f"{RESULTS}/{EVALUATION_LOG}",
    conda:
        ENVIRONMENT
    threads: run_threads
    resources:
        gpu=1,
    params:
        code=evaluation_code,
    shell:
        "{ON_GPU} -m fashion.training.evaluate --run $(dirname {input.spec}) --data {input.data}"
        " --output $(dirname {output.metrics}) --threads {threads} --log {log}"
