# Every table that one stage makes, a rule for each row of fashion.study.outputs; `claims`, in answer.smk, makes three.
from fashion.study.outputs import TABLES

RUNS = "results/{budget}/runs"

# What a stage reads: its input, its params, and how its command says them.
TABLE_READS = {
    "dataset": (DATASET_FILES, {}, "--data {input.data} --note={params.note:q}"),
    "magnitudes": ({}, {"magnitudes": magnitudes}, "--magnitudes {params.magnitudes} --note={params.note:q}"),
    "training": ({}, {"training": hyperparameters}, "--training {params.training:q} --note={params.note:q}"),
    "study": (
        {"records": of_every_run(*RECORDS), "study": study_file},
        {"runs": RUNS},
        "--study {input.study} --runs {params.runs}",
    ),
    "predictions": (
        {"predictions": of_every_run("predictions.npz")},
        {"runs": RUNS, "groups": groups, "seeds": seeds},
        "--runs {params.runs} --groups {params.groups} --seeds {params.seeds} --note={params.note:q}",
    ),
}

for row in TABLES:
    if row.reads not in TABLE_READS:
        continue
    files, told, command = TABLE_READS[row.reads]

    rule:
        name:
            row.name
        input:
            **files,
        output:
            csv=report(
                f"results/{{budget}}/tables/{row.name}.csv",
                caption=f"../report/{row.name}.rst",
                category="Tables",
                labels={"table": row.title},
            ),
            md=f"results/{{budget}}/tables/{row.name}.md",
        log:
            f"results/{{budget}}/logs/{row.name}.log",
        localrule: True
        conda:
            "../../envs/fashion.yaml"
        params:
            *code(f"{row.stage}:main"),
            **told,
            note=note,
        shell:
            f"python -m {row.stage} {command} --output {{output.csv}} 2> {{log}}"
