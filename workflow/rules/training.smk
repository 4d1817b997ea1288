# One training and one evaluation for each model, augmentation and seed.
RUN = f"{RESULTS}/{files.FOLDER}"
# Not an output, since Snakemake deletes the outputs of a job that failed or is repeated.
STATE = files.run_path(files.CHECKPOINT, ("{wildcards.model}", "{wildcards.augmentation}", "{wildcards.seed}"))


rule train:
    input:
        data=training_data,
    output:
        history=f"{RUN}/{files.HISTORY}",
        weights=f"{RUN}/{files.WEIGHTS}",
        spec=f"{RUN}/{files.SPEC}",
        provenance=f"{RUN}/{files.PROVENANCE}",
    log:
        f"{RESULTS}/{files.TRAINING_LOG}",
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
        code=training_code,
        dataset=canonical_json(CONTENT),
        python=uncompared(ON_GPU),
    shell:
        "{params.python} -m fashion.training.train --spec /dev/stdin --data {input.data} --output $(dirname {output.spec})"
        f" --checkpoint {RESULTS}/{STATE} --threads {{threads}} --log {{log}} <<< {{params.spec:q}}"


rule evaluate:
    input:
        data=evaluation_data,
        weights=ancient(f"{RUN}/{files.WEIGHTS}"),
        spec=f"{RUN}/{files.SPEC}",
        provenance=f"{RUN}/{files.PROVENANCE}",
    output:
        metrics=f"{RUN}/{files.METRICS}",
        predictions=f"{RUN}/{files.PREDICTIONS}",
    log:
        f"{RESULTS}/{files.EVALUATION_LOG}",
    conda:
        ENVIRONMENT
    threads: run_threads
    resources:
        gpu=1,
    params:
        code=evaluation_code,
        python=uncompared(ON_GPU),
    shell:
        "{params.python} -m fashion.training.evaluate --run $(dirname {input.spec}) --data {input.data}"
        " --output $(dirname {output.metrics}) --threads {threads} --log {log}"
