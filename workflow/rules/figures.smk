# All figures of workflow/report/figures.yaml, by four jobs.
rule samples:
    input:
        **DATASET_FILES,
    output:
        output_files("samples"),
    log:
        f"{PLACE}/logs/samples.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        plan=plan("samples"),
        code=code("fashion.figures.samples"),
        python=uncompared(PYTHON),
    shell:
        "{params.python} -m fashion.figures.samples --plan /dev/stdin --data {input.data}"
        f" --output {PLACE}/figures 2> {{log}} <<< {{params.plan:q}}"


rule diagrams:
    input:
        **DATASET_FILES,
    output:
        output_files("diagrams"),
    log:
        f"{PLACE}/logs/diagrams.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        plan=plan("diagrams"),
        code=code("fashion.figures.diagrams", *NETWORKS, *map(DIAGRAM.format, FAMILIES)),
        python=uncompared(PYTHON),
    shell:
        "{params.python} -m fashion.figures.diagrams --plan /dev/stdin --data {input.data}"
        f" --output {PLACE}/figures 2> {{log}} <<< {{params.plan:q}}"


rule curves:
    input:
        run_files(shown_runs("curves"), files.HISTORY, files.PROVENANCE),
    output:
        output_files("curves"),
    log:
        f"{PLACE}/logs/curves.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        plan=plan("curves", runs=grouped(shown_runs("curves")), titles=STUDY.titles),
        content=canonical_json(content_digest(curves=REPORT.curves.read_text())),
        code=code("fashion.figures.curves"),
        python=uncompared(PYTHON),
        published=uncompared(REPORT.curves),
    shell:
        "{params.python} -m fashion.figures.curves --plan /dev/stdin --published {params.published:q}"
        f" --runs {RESULTS}/runs --output {PLACE}/figures 2> {{log}} <<< {{params.plan:q}}"


rule overviews:
    input:
        **DATASET_FILES,
        runs=run_files(shown_runs("overviews"), files.PREDICTIONS, files.HISTORY, files.PROVENANCE),
        tables=[f"{PLACE}/tables/{one.name}.csv" for one in TABLES if one.name in kinds.DRAWN_FROM.values()],
    output:
        output_files("overviews"),
    log:
        f"{PLACE}/logs/overviews.log",
    priority: 1  # as rule tables
    localrule: True
    conda:
        ENVIRONMENT
    params:
        plan=plan("overviews", runs=grouped(shown_runs("overviews")), titles=STUDY.titles),
        code=code("fashion.figures.overviews"),
        python=uncompared(PYTHON),
    shell:
        "{params.python} -m fashion.figures.overviews --plan /dev/stdin --data {input.data}"
        f" --runs {RESULTS}/runs --tables {PLACE}/tables --output {PLACE}/figures 2> {{log}} <<< {{params.plan:q}}"
