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
        "../../envs/fashion.yaml"
    params:
        # Only what the dataset is makes it stale, not where it is from or what fetches it: no code of fashion.data.download,
        # and a function of `output`, which Snakemake does not compare.
        *code(*DATASET),
        content=canonical_json(CONTENT),
        source=lambda wildcards, output: SOURCE,
    shell:
        "python -m fashion.data.download --output {output.data} --checksums {output.checksums}"
        " {params.source:q} --log {log}"


rule class_names:
    output:
        f"results/data/{CLASS_NAMES_FILE}",
    log:
        "results/data/class_names.log",
    conda:
        "../../envs/fashion.yaml"
    params:
        names=canonical_json(NAMES),
    shell:
        "printf %s {params.names:q} > {output} 2> {log}"
