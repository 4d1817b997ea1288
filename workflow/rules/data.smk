# The dataset.
localrules:
    dataset,
    class_names,


rule dataset:
    output:
        data=DATA,
        checksums=CHECKSUMS,
    log:
        "results/data/dataset.log",
    conda:
        ENVIRONMENT
    params:
        # Only what the dataset is makes it stale, not where it is from or what fetches it.
        content=canonical_json(CONTENT),
        code=code(*DATASET),
    shell:
        "{PYTHON} -m fashion.data.download --output {output.data} --checksums {output.checksums} {SOURCE} --log {log}"


# What `fashion predict` and `export` call the classes of another dataset.
rule class_names:
    output:
        f"results/data/{CLASS_NAMES_FILE}",
    log:
        "results/data/class_names.log",
    params:
        names=canonical_json(NAMES),
    shell:
        "printf %s {params.names:q} > {output} 2> {log}"
