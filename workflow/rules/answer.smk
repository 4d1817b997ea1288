# What a study says of the report: claims with their verdicts, and the page.
from dataclasses import asdict


localrules:
    study,
    claims,
    page,


rule study:
    output:
        # Named after its content: another study is another input of the tables, whatever triggers are asked for.
        f"{PLACE}/study/{{digest}}.json",
    log:
        f"{PLACE}/logs/study_{{digest}}.log",
    conda:
        "../../envs/fashion.yaml"
    params:
        study=lambda wildcards: canonical_json(STUDIES[wildcards.study].summary()),
    shell:
        # Built in: the argument of a program ends at 128 KiB, and so does the summary of a thousand models.
        "printf %s {params.study:q} > {output} 2> {log}"


rule claims:
    input:
        of_every_run(*DECIDING),
        study=study_file,
        classes=f"{PLACE}/tables/table1_classes.csv",
    output:
        report(
            f"{PLACE}/tables/claims.csv",
            caption="../report/claims.rst",
            category="Tables",
            labels={"table": "Claims and verdicts"},
        ),
        multiext(f"{PLACE}/tables/statements", ".csv", ".md"),
        multiext(f"{PLACE}/tables/deviations", ".csv", ".md"),
        f"{PLACE}/tables/claims.md",
    log:
        f"{PLACE}/logs/claims.log",
    conda:
        "../../envs/fashion.yaml"
    params:
        *code("fashion.answer.claims"),
        # The parameters of a model without a run are counted.
        *map(family_code, sorted(FAMILIES)),
        note=note,
        runs="results/{study}/runs",
        folder=subpath(output[0], parent=True),
    shell:
        "python -m fashion.answer.claims --summary {input.study} --runs {params.runs} --classes {input.classes}"
        " --output {params.folder} 2> {log}"


rule page:
    input:
        of_every_run(PROVENANCE),
        tables=lambda wildcards: tables(wildcards.study),
        figures=lambda wildcards: figures(wildcards.study),
    output:
        f"{PLACE}/report.html",
    log:
        f"{PLACE}/logs/report.log",
    conda:
        "../../envs/fashion.yaml"
    params:
        *code("fashion.answer.page"),
        # Their content: their place, which Snakemake does not compare, may be another in another checkout.
        texts=page_texts,
        files=lambda wildcards, output: [
            *("--captions", str(CAPTIONS), "--published", str(DOCS / "published.md")),
            *(part for path in other_claims(wildcards) for part in ("--other", str(path))),
        ],
        results=subpath(output[0], parent=True),
        # Not compared: keys of config.yaml in another order make nothing stale.
        models=lambda wildcards, output: list(STUDIES[wildcards.study].models),
        runs=all_groups,
        state=lambda wildcards: f"state of the runs {digest(missing(wildcards))}",
        missing=lambda wildcards, output: missing(wildcards),
        note=note,
        tables=lambda wildcards: canonical_json([asdict(row) for row in STUDIES[wildcards.study].tables()]),
        figures=lambda wildcards: canonical_json([asdict(row) for row in STUDIES[wildcards.study].figures().values()]),
    shell:
        "python -m fashion.answer.page --results {params.results} --study {wildcards.study}"
        " --models {params.models} {params.runs} --partial /dev/stdin --note={params.note:q} --tables {params.tables:q} --figures {params.figures:q} {params.files:q}"
        " --output {output} 2> {log} <<< {params.missing:q}"
