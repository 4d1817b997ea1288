# Every figure. Those that are the same for all studies are a rule for each row of fashion.study.outputs; those that show
# some models have a rule for each kind.
from fashion.study.outputs import FIGURES


localrules:
    diagram,
    curves,
    epoch_log,


# What a row's stage reads: its input, and the arguments that say where it is.
FIGURE_READS = {
    "dataset": lambda row: (DATASET_FILES, lambda wildcards: ["--data", DATA, *CLASS_NAMES]),
    "mixup": lambda row: (
        DATASET_FILES,
        lambda wildcards: ["--data", DATA, *CLASS_NAMES, "--settings", alpha(wildcards)],
    ),
    "predictions": lambda row: (
        {"runs": of_shown(row, PREDICTIONS)},
        lambda wildcards: [*shown_groups(wildcards, row), *CLASS_NAMES],
    ),
    "histories": lambda row: (
        {"runs": of_shown(row, HISTORY, PROVENANCE)},
        lambda wildcards: shown_groups(wildcards, row),
    ),
    # The images differ from seed to seed.
    "first predictions": lambda row: (
        {"runs": of_shown(row, PREDICTIONS), **DATASET_FILES},
        lambda wildcards: ["--data", DATA, *shown_groups(wildcards, row), *CLASS_NAMES],
    ),
    "comparison": lambda row: (
        {"comparison": f"{PLACE}/tables/comparison.csv"},
        lambda wildcards: [
            *("--comparison", placed(wildcards, "tables/comparison.csv")),
            *shown_groups(wildcards, row),
            *("--families", *families(wildcards)),
        ],
    ),
    "repeats": lambda row: (
        {"repeats": f"{PLACE}/tables/repeats.csv"},
        lambda wildcards: ["--repeats", placed(wildcards, "tables/repeats.csv")],
    ),
}
FIGURE_READS["first histories"] = FIGURE_READS["histories"]

for row in FIGURES:
    files, arguments = FIGURE_READS[row.reads](row)

    rule:
        name:
            row.name
        input:
            **files,
        output:
            png=report(
                f"{PLACE}/figures/{row.name}.png",
                caption=f"../report/{row.caption}.rst",
                category=row.section,
                labels={"figure": row.title},
            ),
            svg=f"{PLACE}/figures/{row.name}.svg",
        log:
            f"{PLACE}/logs/{row.name}.log",
        localrule: True
        conda:
            "../../envs/fashion.yaml"
        params:
            *code(row.stage),
            stage=row.stage,
            options=row.options,
            arguments=arguments,
            note=note,
        shell:
            # The same for all: Snakemake formats it when the job runs, with the row that the loop ended with.
            "python -m {params.stage} {params.arguments:q} {params.options:q} --note={params.note:q} --output {output}"
            " 2> {log}"


rule diagram:
    input:
        **DATASET_FILES,
    output:
        png=report(
            f"{PLACE}/figures/{{figure}}_diagram.png",
            caption="../report/diagram.rst",
            category=lambda wildcards: figure(wildcards, "diagram").section,
            labels=lambda wildcards: {"figure": figure(wildcards, "diagram").title},
        ),
        svg=f"{PLACE}/figures/{{figure}}_diagram.svg",
    log:
        f"{PLACE}/logs/{{figure}}_diagram.log",
    conda:
        "../../envs/fashion.yaml"
    params:
        *code("fashion.figures.diagrams"),
        family=lambda wildcards: family_code(entry_of(wildcards)["family"]),
        layers=lambda wildcards: code(DIAGRAM.format(entry_of(wildcards)["family"]))[0],
        note=note,
        model=lambda wildcards: canonical_json(entry_of(wildcards)),
    shell:
        "python -m fashion.figures.diagrams --data {input.data} --model {params.model:q} --note={params.note:q}"
        " --output {output} 2> {log}"


rule curves:
    input:
        lambda wildcards: run_files(wildcards.study, runs_of(wildcards, "curves"), HISTORY, SPEC, PROVENANCE),
    output:
        png=report(
            f"{PLACE}/figures/{{figure}}_curves.png",
            caption="../report/curves.rst",
            category=lambda wildcards: figure(wildcards, "curves").section,
            labels=lambda wildcards: {"figure": figure(wildcards, "curves").title},
        ),
        svg=f"{PLACE}/figures/{{figure}}_curves.svg",
    log:
        f"{PLACE}/logs/{{figure}}_curves.log",
    conda:
        "../../envs/fashion.yaml"
    params:
        *code("fashion.figures.curves"),
        note=note,
        reported=reported,
        runs=lambda wildcards: groups(wildcards.study, runs_of(wildcards, "curves")),
        held_out=lambda wildcards: figure(wildcards, "curves").held_out,
    shell:
        "python -m fashion.figures.curves --runs {params.runs} --reported {params.reported:q}"
        " --held-out {params.held_out} --note={params.note:q} --output {output} 2> {log}"


rule epoch_log:
    input:
        # Of one run, as the report prints it.
        lambda wildcards: run_files(wildcards.study, runs_of(wildcards, "log")[:1], HISTORY, SPEC, PROVENANCE),
    output:
        png=report(
            f"{PLACE}/figures/{{figure}}_log.png",
            caption="../report/log.rst",
            category=lambda wildcards: figure(wildcards, "log").section,
            labels=lambda wildcards: {"figure": figure(wildcards, "log").title},
        ),
        svg=f"{PLACE}/figures/{{figure}}_log.svg",
    log:
        f"{PLACE}/logs/{{figure}}_log.log",
    conda:
        "../../envs/fashion.yaml"
    params:
        *code("fashion.figures.log"),
        note=note,
        run=subpath(input[0], parent=True),
    shell:
        "python -m fashion.figures.log --run {params.run} --note={params.note:q} --output {output} 2> {log}"
