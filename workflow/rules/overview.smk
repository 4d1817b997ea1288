# Beyond the report: figures that set all models side by side.
localrules:
    confusion,
    reliability,
    mistakes,


rule confusion:
    input:
        lambda wildcards: run_files(wildcards.budget, shown_runs(wildcards), "predictions.npz"),
    output:
        png=report(
            "results/{budget}/figures/ext04_confusion.png",
            caption="../report/ext04_confusion.rst",
            category="Beyond the report",
            labels={"figure": "Confusion of classes"},
        ),
        svg="results/{budget}/figures/ext04_confusion.svg",
    log:
        "results/{budget}/logs/ext04_confusion.log",
    conda:
        "../../envs/fashion.yaml"
    params:
        *code("fashion.figures.confusion"),
        note=note,
        stage="fashion.figures.confusion",
        runs=shown_folders,
        seeds=seeds,
    shell:
        "python -m {params.stage} --runs {params.runs} --seeds {params.seeds} --note {params.note:q}"
        " --output {output} 2> {log}"


use rule confusion as reliability with:
    output:
        png=report(
            "results/{budget}/figures/ext05_reliability.png",
            caption="../report/ext05_reliability.rst",
            category="Beyond the report",
            labels={"figure": "Reliability"},
        ),
        svg="results/{budget}/figures/ext05_reliability.svg",
    log:
        "results/{budget}/logs/ext05_reliability.log",
    params:
        *code("fashion.figures.reliability"),
        note=note,
        stage="fashion.figures.reliability",
        runs=shown_folders,
        seeds=seeds,


rule mistakes:
    input:
        # The first seed's: the images differ from seed to seed.
        lambda wildcards: run_files(
            wildcards.budget,
            [run for run in shown_runs(wildcards) if run[2] == seeds(wildcards)[0]],
            "predictions.npz",
        ),
        data=ancient(DATA),
        checksums=CHECKSUMS,
    output:
        png=report(
            "results/{budget}/figures/ext06_mistakes.png",
            caption="../report/ext06_mistakes.rst",
            category="Beyond the report",
            labels={"figure": "Confident mistakes"},
        ),
        svg="results/{budget}/figures/ext06_mistakes.svg",
    log:
        "results/{budget}/logs/ext06_mistakes.log",
    conda:
        "../../envs/fashion.yaml"
    params:
        *code("fashion.figures.mistakes"),
        note=note,
        runs=shown_folders,
        seed=lambda wildcards: seeds(wildcards)[0],
    shell:
        "python -m fashion.figures.mistakes --data {input.data} --runs {params.runs} --seed {params.seed}"
        " --note {params.note:q} --output {output} 2> {log}"
