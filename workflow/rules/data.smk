# The dataset, and what of the report shows it: Fig. 1 and Table 1.
localrules:
    dataset,
    classes,
    samples,


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


rule classes:
    input:
        data=ancient(DATA),
        checksums=CHECKSUMS,
    output:
        csv=report(
            "results/{budget}/tables/table1_classes.csv",
            caption="../report/table1_classes.rst",
            category="Tables",
            labels={"table": "Table 1: classes"},
        ),
        md="results/{budget}/tables/table1_classes.md",
    log:
        "results/{budget}/logs/table1_classes.log",
    conda:
        "../../envs/fashion.yaml"
    params:
        *code("fashion.tables.classes:main"),
        note=note,
    shell:
        "python -m fashion.tables.classes --output {output.csv} --note={params.note:q} --data {input.data} 2> {log}"


rule samples:
    input:
        data=ancient(DATA),
        checksums=CHECKSUMS,
    output:
        png=report(
            "results/{budget}/figures/fig01_samples.png",
            caption="../report/fig01_samples.rst",
            category="Figures of the report",
            labels={"figure": "Fig. 1: samples"},
        ),
        svg="results/{budget}/figures/fig01_samples.svg",
    log:
        "results/{budget}/logs/fig01_samples.log",
    conda:
        "../../envs/fashion.yaml"
    params:
        *code("fashion.figures.samples:main"),
        note=note,
        figure="samples",
        settings=[],
    shell:
        "python -m fashion.figures.samples --data {input.data} --figure {params.figure} {params.settings:q}"
        " --note={params.note:q} --output {output} 2> {log}"
