rule dataset:
    output:
        data=DATA,
        checksums=CHECKSUMS,
    log:
        "results/data/dataset.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        # Only other content makes the dataset stale, not another source or other code that fetches it.
        content=canonical_json(CONTENT),
        code=code(*DATASET),
        python=uncompared(PYTHON),
        source=uncompared(SOURCE),
    shell:
        "{params.python} -m fashion.data.download --output {output.data} --checksums {output.checksums} {params.source} --log {log}"


# The classes' names, which `fashion predict` and `export` use for another dataset.
rule class_names:
    output:
        f"results/data/{files.CLASS_NAMES_FILE}",
    log:
        "results/data/class_names.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        names=param(NAMES),
    shell:
        "printf %s {params.names:q} > {output} 2> {log}"
