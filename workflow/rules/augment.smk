# The augmentation preview: Fig. 2, Table 2, and beyond the report every operation and several alphas.
localrules:
    operations,
    mixup_samples,
    randaugment_samples,
    mixup_alpha_samples,


rule operations:
    output:
        csv=report(
            "results/{budget}/tables/table2_operations.csv",
            caption="../report/table2_operations.rst",
            category="Tables",
            labels={"table": "Table 2: RandAugment operations"},
        ),
        md="results/{budget}/tables/table2_operations.md",
    log:
        "results/{budget}/logs/table2_operations.log",
    conda:
        "../../envs/fashion.yaml"
    params:
        *code("fashion.tables.operations:main"),
        note=note,
        magnitudes=MAGNITUDES,
    shell:
        "python -m fashion.tables.operations --output {output.csv} --note={params.note:q}"
        " --magnitudes {params.magnitudes} 2> {log}"


use rule samples as mixup_samples with:
    output:
        png=report(
            "results/{budget}/figures/fig02_mixup.png",
            caption="../report/fig02_mixup.rst",
            category="Figures of the report",
            labels={"figure": "Fig. 2: MixUp"},
        ),
        svg="results/{budget}/figures/fig02_mixup.svg",
    log:
        "results/{budget}/logs/fig02_mixup.log",
    params:
        *code("fashion.figures.samples:main"),
        note=note,
        figure="mixup",
        settings=lambda wildcards: ["--settings", canonical_json({"alpha": MIXUP_ALPHAS[0]})],


use rule samples as randaugment_samples with:
    output:
        png=report(
            "results/{budget}/figures/ext01_randaugment.png",
            caption="../report/ext01_randaugment.rst",
            category="Beyond the report",
            labels={"figure": "RandAugment operations"},
        ),
        svg="results/{budget}/figures/ext01_randaugment.svg",
    log:
        "results/{budget}/logs/ext01_randaugment.log",
    params:
        *code("fashion.figures.samples:main"),
        note=note,
        figure="randaugment",
        settings=[],


use rule samples as mixup_alpha_samples with:
    output:
        png=report(
            "results/{budget}/figures/ext02_mixup_alpha.png",
            caption="../report/ext02_mixup_alpha.rst",
            category="Beyond the report",
            labels={"figure": "MixUp at several alphas"},
        ),
        svg="results/{budget}/figures/ext02_mixup_alpha.svg",
    log:
        "results/{budget}/logs/ext02_mixup_alpha.log",
    params:
        *code("fashion.figures.samples:main"),
        note=note,
        figure="mixup_alpha",
        settings=[],
