# What is made from runs and models: diagrams, curves, the log of Fig. 8, Table 3 and the tables over all runs.
localrules:
    study,
    hyperparameters,
    comparison,
    per_class,
    calibration,
    ablation,
    compute,
    repeats,
    claims,
    page,
    diagram,
    curves,
    epoch_log,


rule study:
    output:
        # Named after its content: another study is another input of the tables, whatever triggers are asked for.
        "results/{budget}/study/{digest}.json",
    log:
        "results/{budget}/logs/study_{digest}.log",
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
        *code("fashion.tables.hyperparameters:main"),
        note=note,
        training=lambda wildcards: canonical_json(STUDIES[wildcards.budget].hyperparameters()),
    shell:
        "python -m fashion.tables.hyperparameters --output {output.csv} --note={params.note:q}"
        " --training {params.training:q} 2> {log}"


rule comparison:
    input:
        lambda wildcards: run_files(wildcards.budget, STUDIES[wildcards.budget].specs, *RECORDS),
        study=study_file,
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
        code=stage_code("fashion.tables.comparison"),
        runs="results/{budget}/runs",
        note=note,
        stage="fashion.tables.comparison",
    shell:
        "python -m {params.stage} --study {input.study} --runs {params.runs} --output {output.csv} 2> {log}"


use rule comparison as compute with:
    output:
        csv=report(
            "results/{budget}/tables/compute.csv",
            caption="../report/compute.rst",
            category="Tables",
            labels={"table": "Compute"},
        ),
        md="results/{budget}/tables/compute.md",
    log:
        "results/{budget}/logs/compute.log",
    params:
        code=stage_code("fashion.tables.compute"),
        runs="results/{budget}/runs",
        note=note,
        stage="fashion.tables.compute",


use rule comparison as repeats with:
    output:
        csv=report(
            "results/{budget}/tables/repeats.csv",
            caption="../report/repeats.rst",
            category="Tables",
            labels={"table": "Published runs, repeated"},
        ),
        md="results/{budget}/tables/repeats.md",
    log:
        "results/{budget}/logs/repeats.log",
    params:
        code=stage_code("fashion.answer.repeats"),
        runs="results/{budget}/runs",
        note=note,
        stage="fashion.answer.repeats",


rule claims:
    input:
        lambda wildcards: run_files(wildcards.budget, STUDIES[wildcards.budget].specs, *RECORDS),
        study=study_file,
        classes="results/{budget}/tables/table1_classes.csv",
    output:
        report(
            "results/{budget}/tables/claims.csv",
            caption="../report/claims.rst",
            category="Tables",
            labels={"table": "Claims and verdicts"},
        ),
        multiext("results/{budget}/tables/statements", ".csv", ".md"),
        multiext("results/{budget}/tables/deviations", ".csv", ".md"),
        "results/{budget}/tables/claims.md",
    log:
        "results/{budget}/logs/claims.log",
    conda:
        "../../envs/fashion.yaml"
    params:
        *code("fashion.answer.claims:main"),
        note=note,
        runs="results/{budget}/runs",
        folder=subpath(output[0], parent=True),
    shell:
        "python -m fashion.answer.claims --study {input.study} --runs {params.runs} --classes {input.classes}"
        " --output {params.folder} 2> {log}"


rule per_class:
    input:
        lambda wildcards: run_files(wildcards.budget, STUDIES[wildcards.budget].specs, "predictions.npz"),
    output:
        csv=report(
            "results/{budget}/tables/per_class.csv",
            caption="../report/per_class.rst",
            category="Tables",
            labels={"table": "Precision, recall and F1 by class"},
        ),
        md="results/{budget}/tables/per_class.md",
    log:
        "results/{budget}/logs/per_class.log",
    conda:
        "../../envs/fashion.yaml"
    params:
        code=stage_code("fashion.tables.per_class"),
        note=note,
        stage="fashion.tables.per_class",
        runs="results/{budget}/runs",
        groups=groups,
        seeds=seeds,
    shell:
        "python -m {params.stage} --runs {params.runs} --groups {params.groups} --seeds {params.seeds}"
        " --note={params.note:q} --output {output.csv} 2> {log}"


use rule per_class as calibration with:
    output:
        csv=report(
            "results/{budget}/tables/calibration.csv",
            caption="../report/calibration.rst",
            category="Tables",
            labels={"table": "Calibration"},
        ),
        md="results/{budget}/tables/calibration.md",
    log:
        "results/{budget}/logs/calibration.log",
    params:
        code=stage_code("fashion.tables.calibration"),
        note=note,
        stage="fashion.tables.calibration",
        runs="results/{budget}/runs",
        groups=groups,
        seeds=seeds,


use rule per_class as ablation with:
    output:
        csv=report(
            "results/{budget}/tables/ablation.csv",
            caption="../report/ablation.rst",
            category="Tables",
            labels={"table": "Ablation of the augmentations"},
        ),
        md="results/{budget}/tables/ablation.md",
    log:
        "results/{budget}/logs/ablation.log",
    params:
        code=stage_code("fashion.tables.ablation"),
        note=note,
        stage="fashion.tables.ablation",
        runs="results/{budget}/runs",
        groups=groups,
        seeds=seeds,


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
        *code("fashion.figures.diagrams:main"),
        family=lambda wildcards: family_code(diagram_entry(wildcards)["family"]),
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
        *code("fashion.figures.curves:main"),
        note=note,
        reported=reported,
        runs=lambda wildcards: shown_folders(wildcards, "curves"),
        seeds=seeds,
        held_out=held_out,
    shell:
        "python -m fashion.figures.curves --runs {params.runs} --seeds {params.seeds} --reported {params.reported:q}"
        " --held-out {params.held_out} --note={params.note:q} --output {output} 2> {log}"


rule epoch_log:
    input:
        # The first seed's: the report prints the log of one run.
        lambda wildcards: run_files(wildcards.budget, shown_runs(wildcards, "log")[:1], "history.csv", "spec.json"),
    output:
        png=report(
            "results/{budget}/figures/{figure}_log.png",
            caption="../report/log.rst",
            category="Figures of the report",
            labels={"figure": "{figure}: log"},
        ),
        svg="results/{budget}/figures/{figure}_log.svg",
    log:
        "results/{budget}/logs/{figure}_log.log",
    conda:
        "../../envs/fashion.yaml"
    params:
        *code("fashion.figures.log:main"),
        note=note,
        run=subpath(input[0], parent=True),
    shell:
        "python -m fashion.figures.log --run {params.run} --note={params.note:q} --output {output} 2> {log}"


rule page:
    input:
        lambda wildcards: run_files(wildcards.budget, STUDIES[wildcards.budget].specs, "provenance.json"),
        tables=lambda wildcards: tables(wildcards.budget),
        figures=lambda wildcards: [file for file in figures(wildcards.budget) if file.endswith(".png")],
    output:
        "results/{budget}/report.html",
    log:
        "results/{budget}/logs/report.log",
    conda:
        "../../envs/fashion.yaml"
    params:
        *code("fashion.answer.page:main"),
        # Their content: their place, which Snakemake does not compare, may be another in another checkout.
        texts=lambda wildcards: canonical_json(
            {path.name: path.read_text(encoding="utf-8") for path in CAPTIONS.glob("*.rst")}
        ),
        captions=lambda wildcards, output: CAPTIONS,
        results=subpath(output[0], parent=True),
        groups=groups,
        seeds=seeds,
        note=note,
        shown=lambda wildcards: canonical_json(
            {figure.name: figure.models for figure in STUDIES[wildcards.budget].figures().values()}
        ),
    shell:
        "python -m fashion.answer.page --results {params.results} --groups {params.groups} --seeds {params.seeds}"
        " --note={params.note:q} --figures {input.figures} --shown {params.shown:q} --captions {params.captions:q}"
        " --output {output} 2> {log}"
