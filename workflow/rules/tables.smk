# Every table, in one job but for those of the answer: workflow/report/tables.yaml says which there are.
localrules:
    tables,


rule tables:
    input:
        **DATASET_FILES,
        runs=run_files(STUDY.specs, *DECIDING),
    output:
        table_files("tables"),
    log:
        f"{PLACE}/logs/tables.log",
    conda:
        ENVIRONMENT
    params:
        plan=plan("tables", summary=SUMMARY),
        code=code("fashion.tables.make"),
    shell:
        f"{{PYTHON}} -m fashion.tables.make --plan /dev/stdin --runs {RESULTS}/runs --data {{input.data}}"
        f" --output {PLACE}/tables 2> {{log}} <<< {{params.plan:q}}"
