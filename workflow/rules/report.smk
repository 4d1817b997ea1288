# What is made from runs and models: diagrams, curves, the log of Fig. 8, Table 3 and the comparison.
localrules:
    study,
    hyperparameters,
    comparison,
    diagram,
    curves,
    epoch_log,


rule study:
    output:
        # Temporary: the tables read what the study is now, also where `--rerun-triggers mtime` compares no params.
        temp("results/{budget}/study.json"),
    log:
        "results/{budget}/logs/study.log",
    params:
        study=lambda wildcards: canonical_json(STUDIES[wildcards.budget].summary()),
    run:
        # Not in a shell command, which ends at 128 KiB: so does the summary of a thousand models.
        write_text(output[0], params.study)


rule hyperparameters:
    output:
        csv=report(
            "results/{budget}/tables/table3_hyperparameters.csv",
            caption="../report/table3_hyperparameters.rst",
            category="Tables",
            labels={"table": "Table 3: hyperparameters"},
        ),
        md="results/{budget}/tables/table3_hyperparameters.md",
    log:
        "results/{budget}/logs/table3_hyperparameters.log",
    conda:
        "../../envs/fashion.yaml"
    params:
        *code("fashion.tables"),
        note=note,
        training=lambda wildcards: canonical_json(STUDIES[wildcards.budget].hyperparameters()),
    shell:
        "python -m fashion.tables --output {output.csv} --note={params.note:q} hyperparameters"
        " --training {params.training:q} 2> {log}"


rule comparison:
    input:
        lambda wildcards: run_files(
            wildcards.budget, STUDIES[wildcards.budget].specs, "history.csv", "metrics.json", "provenance.json"
        ),
        study="results/{budget}/study.json",
    output:
        csv=report(
            "results/{budget}/tables/comparison.csv",
            caption="../report/comparison.rst",
            category="Tables",
            labels={"table": "Comparison with the report"},
        ),
        md="results/{budget}/tables/comparison.md",
    log:
        "results/{budget}/logs/comparison.log",
    conda:
        "../../envs/fashion.yaml"
    params:
        *code("fashion.comparison"),
        runs="results/{budget}/runs",
        note=note,
    shell:
        "python -m fashion.comparison --study {input.study} --runs {params.runs} --output {output.csv} 2> {log}"


rule diagram:
    input:
        data=ancient(DATA),
        checksums=CHECKSUMS,
    output:
        png=report(
            "results/{budget}/figures/{figure}_diagram.png",
            caption="../report/diagram.rst",
            category="Figures of the report",
            labels={"figure": "{figure}: layers"},
        ),
        svg="results/{budget}/figures/{figure}_diagram.svg",
    log:
        "results/{budget}/logs/{figure}_diagram.log",
    conda:
        "../../envs/fashion.yaml"
    params:
        *code("fashion.figures.diagrams"),
        family=lambda wildcards: family_code("fashion.figures.diagrams", diagram_entry(wildcards)["family"]),
        note=note,
        model=lambda wildcards: canonical_json(diagram_entry(wildcards)),
    shell:
        "python -m fashion.figures.diagrams --data {input.data} --model {params.model:q} --note={params.note:q}"
        " --output {output} 2> {log}"


rule curves:
    input:
        lambda wildcards: run_files(wildcards.budget, shown_runs(wildcards, "curves"), "history.csv", "spec.json"),
    output:
        png=report(
            "results/{budget}/figures/{figure}_curves.png",
            caption="../report/curves.rst",
            category=category,
            labels={"figure": "{figure}: training"},
        ),
        svg="results/{budget}/figures/{figure}_curves.svg",
    log:
        "results/{budget}/logs/{figure}_curves.log",
    conda:
        "../../envs/fashion.yaml"
    params:
        *code("fashion.figures.curves"),
        note=note,
        reported=reported,
        runs=lambda wildcards: shown_folders(wildcards, "curves"),
        seeds=lambda wildcards: list(STUDIES[wildcards.budget].seeds),
    shell:
        "python -m fashion.figures.curves --runs {params.runs} --seeds {params.seeds} --reported {params.reported:q}"
        " --note={params.note:q} --output {output} 2> {log}"


rule epoch_log:
    input:
        # The first seed's: the report prints the log of one run.
        lambda wildcards: run_files(wildcards.budget, shown_runs(wildcards, "log")[:1], "history.csv", "spec.json"),
    output:
        png=report(
            "results/{budget}/figures/{figure}_log.png",
            caption="../report/epoch_log.rst",
            category="Figures of the report",
            labels={"figure": "{figure}: log"},
        ),
        svg="results/{budget}/figures/{figure}_log.svg",
    log:
        "results/{budget}/logs/{figure}_log.log",
    conda:
        "../../envs/fashion.yaml"
    params:
        *code("fashion.figures.log"),
        note=note,
        run=subpath(input[0], parent=True),
    shell:
        "python -m fashion.figures.log --run {params.run} --note={params.note:q} --output {output} 2> {log}"
