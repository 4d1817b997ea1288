# Beyond the report: figures that set all models side by side.
localrules:
    confusion,
    reliability,
    mistakes,
    tradeoff,
    gradients,
    time_to_accuracy,
    all_curves,
    repeats_figure,


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
        code=stage_code("fashion.figures.confusion"),
        note=note,
        stage="fashion.figures.confusion",
        runs=shown_folders,
        seeds=seeds,
    shell:
        "python -m {params.stage} --runs {params.runs} --seeds {params.seeds} --note={params.note:q}"
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
        code=stage_code("fashion.figures.reliability"),
        note=note,
        stage="fashion.figures.reliability",
        runs=shown_folders,
        seeds=seeds,


rule mistakes:
    input:
        # The first seed's: the images differ from seed to seed.
        lambda wildcards: run_files(wildcards.budget, first_shown_runs(wildcards), "predictions.npz"),
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
        *code("fashion.figures.mistakes:main"),
        note=note,
        runs=shown_folders,
        seed=lambda wildcards: seeds(wildcards)[0],
    shell:
        "python -m fashion.figures.mistakes --data {input.data} --runs {params.runs} --seed {params.seed}"
        " --note={params.note:q} --output {output} 2> {log}"


rule tradeoff:
    input:
        comparison="results/{budget}/tables/comparison.csv",
    output:
        png=report(
            "results/{budget}/figures/ext07_tradeoff.png",
            caption="../report/ext07_tradeoff.rst",
            category="Beyond the report",
            labels={"figure": "Accuracy, size and cost"},
        ),
        svg="results/{budget}/figures/ext07_tradeoff.svg",
    log:
        "results/{budget}/logs/ext07_tradeoff.log",
    conda:
        "../../envs/fashion.yaml"
    params:
        *code("fashion.figures.tradeoff:main"),
        note=note,
        runs=shown_folders,
        families=lambda wildcards: [entry["family"] for entry in shown(wildcards).values()],
    shell:
        "python -m fashion.figures.tradeoff --comparison {input.comparison} --runs {params.runs}"
        " --families {params.families} --note={params.note:q} --output {output} 2> {log}"


use rule confusion as gradients with:
    input:
        # The first seed's, as in the log of Fig. 8.
        lambda wildcards: run_files(wildcards.budget, first_shown_runs(wildcards), "history.csv", "spec.json"),
    output:
        png=report(
            "results/{budget}/figures/ext08_gradients.png",
            caption="../report/ext08_gradients.rst",
            category="Beyond the report",
            labels={"figure": "Gradients by layer"},
        ),
        svg="results/{budget}/figures/ext08_gradients.svg",
    log:
        "results/{budget}/logs/ext08_gradients.log",
    params:
        code=stage_code("fashion.figures.gradients"),
        note=note,
        stage="fashion.figures.gradients",
        runs=shown_folders,
        seeds=lambda wildcards: seeds(wildcards)[:1],


use rule confusion as time_to_accuracy with:
    input:
        lambda wildcards: run_files(wildcards.budget, shown_runs(wildcards), "history.csv", "spec.json"),
    output:
        png=report(
            "results/{budget}/figures/ext09_time_to_accuracy.png",
            caption="../report/ext09_time_to_accuracy.rst",
            category="Beyond the report",
            labels={"figure": "Time to accuracy"},
        ),
        svg="results/{budget}/figures/ext09_time_to_accuracy.svg",
    log:
        "results/{budget}/logs/ext09_time_to_accuracy.log",
    params:
        code=stage_code("fashion.figures.time_to_accuracy"),
        note=note,
        stage="fashion.figures.time_to_accuracy",
        runs=shown_folders,
        seeds=seeds,


use rule confusion as all_curves with:
    input:
        lambda wildcards: run_files(wildcards.budget, shown_runs(wildcards), "history.csv", "spec.json"),
    output:
        png=report(
            "results/{budget}/figures/ext10_all_models.png",
            caption="../report/ext10_all_models.rst",
            category="Beyond the report",
            labels={"figure": "All curves"},
        ),
        svg="results/{budget}/figures/ext10_all_models.svg",
    log:
        "results/{budget}/logs/ext10_all_models.log",
    params:
        code=stage_code("fashion.figures.all_curves"),
        note=note,
        stage="fashion.figures.all_curves",
        runs=shown_folders,
        seeds=seeds,


rule repeats_figure:
    input:
        repeats="results/{budget}/tables/repeats.csv",
    output:
        png=report(
            "results/{budget}/figures/ext11_repeats.png",
            caption="../report/ext11_repeats.rst",
            category="Beyond the report",
            labels={"figure": "Published runs, repeated"},
        ),
        svg="results/{budget}/figures/ext11_repeats.svg",
    log:
        "results/{budget}/logs/ext11_repeats.log",
    conda:
        "../../envs/fashion.yaml"
    params:
        *code("fashion.figures.repeats:main"),
        note=note,
    shell:
        "python -m fashion.figures.repeats --repeats {input.repeats} --note={params.note:q} --output {output} 2> {log}"
