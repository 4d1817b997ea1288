# All tables of workflow/report/tables.yaml in one job, but for those of rule claims.
rule tables:
    input:
        **DATASET_FILES,
        runs=run_files(STUDY.specs, *DECIDING),
    output:
        output_files("tables"),
    log:
        f"{PLACE}/logs/tables.log",
    priority: 1  # the last jobs wait for it: it goes before figures that nothing waits for
    localrule: True
    conda:
        ENVIRONMENT
    params:
        plan=plan("tables", summary=SUMMARY),
        code=code("fashion.tables.make"),
        python=uncompared(PYTHON),
    shell:
        "{params.python} -m fashion.tables.make --plan /dev/stdin --data {input.data}"
        f" --runs {RESULTS}/runs --output {PLACE}/tables 2> {{log}} <<< {{params.plan:q}}"
