# Every table that one stage makes, a rule for each row of fashion.study.outputs; `claims`, in answer.smk, makes three.
from fashion.study.outputs import TABLES

# What a stage reads: its input, and the arguments that say where it is.
TABLE_READS = {
    "dataset": (DATASET_FILES, lambda wildcards: ["--data", DATA, *CLASS_NAMES, *note_of(wildcards)]),
    "magnitudes": ({}, lambda wildcards: ["--magnitudes", *magnitudes(wildcards), *note_of(wildcards)]),
    "training": ({}, lambda wildcards: ["--training", hyperparameters(wildcards), *note_of(wildcards)]),
    "study": (
        {"records": of_every_run(*DECIDING), "study": study_file},
        lambda wildcards: ["--summary", study_file(wildcards), "--runs", runs_folder(wildcards)],
    ),
    "predictions": (
        {"predictions": of_every_run(PREDICTIONS)},
        lambda wildcards: [*all_groups(wildcards), *CLASS_NAMES, *note_of(wildcards)],
    ),
}

for row in TABLES:
    if row.reads not in TABLE_READS:
        continue
    files, arguments = TABLE_READS[row.reads]

    rule:
        name:
            row.name
        input:
            **files,
        output:
            csv=report(
                f"{PLACE}/tables/{row.name}.csv",
                caption=f"../report/{row.name}.rst",
                category="Tables",
                labels={"table": row.title},
            ),
            md=f"{PLACE}/tables/{row.name}.md",
        log:
            f"{PLACE}/logs/{row.name}.log",
        localrule: True
        conda:
            "../../envs/fashion.yaml"
        params:
            *code(row.stage),
            stage=row.stage,
            arguments=arguments,
        shell:
            # The same for all: Snakemake formats it when the job runs, with the row that the loop ended with.
            "python -m {params.stage} {params.arguments:q} --output {output.csv} 2> {log}"
