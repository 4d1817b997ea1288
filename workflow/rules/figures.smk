# Every figure. Those that are the same for all studies are a rule for each row of fashion.study.outputs; those that show
# some models have a rule for each kind.
from fashion.study.outputs import FIGURES


localrules:
    diagram,
    curves,
    epoch_log,


# What a stage reads: its input, its params, and how its command says them.
OF_SHOWN = "--runs {params.runs} --seeds {params.seeds}"
FIGURE_READS = {
    "dataset": (DATASET_FILES, {}, "--data {input.data}"),
    "mixup": (DATASET_FILES, {"settings": alpha}, "--data {input.data} --settings {params.settings:q}"),
    "predictions": ({"runs": of_shown("predictions.npz")}, {"runs": shown_folders, "seeds": seeds}, OF_SHOWN),
    "histories": ({"runs": of_shown("history.csv", "spec.json")}, {"runs": shown_folders, "seeds": seeds}, OF_SHOWN),
    "first histories": (
        {"runs": of_shown("history.csv", "spec.json", first=True)},
        {"runs": shown_folders, "seeds": first_seed},
        OF_SHOWN,
    ),
    "first predictions": (
        # The first seed's: the images differ from seed to seed.
        {"runs": of_shown("predictions.npz", first=True), **DATASET_FILES},
        {"runs": shown_folders, "seeds": first_seed},
        "--data {input.data} --runs {params.runs} --seed {params.seeds}",
    ),
    "comparison": (
        {"comparison": "results/{budget}/tables/comparison.csv"},
        {"runs": shown_folders, "families": families},
        "--comparison {input.comparison} --runs {params.runs} --families {params.families}",
    ),
    "repeats": ({"repeats": "results/{budget}/tables/repeats.csv"}, {}, "--repeats {input.repeats}"),
}

for row in FIGURES:
    files, told, command = FIGURE_READS[row.reads]
    command = " ".join(filter(None, [command, row.options]))

    rule:
        name:
            row.name
        input:
            **files,
        output:
            png=report(
                f"results/{{budget}}/figures/{row.name}.png",
                caption=f"../report/{row.caption}.rst",
                category=row.section,
                labels={"figure": row.title},
            ),
            svg=f"results/{{budget}}/figures/{row.name}.svg",
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
            f"python -m {row.stage} {command} --note={{params.note:q}} --output {{output}} 2> {{log}}"


rule diagram:
    input:
        **DATASET_FILES,
    output:
        png=report(
            "results/{budget}/figures/{figure}_diagram.png",
            caption="../report/diagram.rst",
            category=lambda wildcards: figure(wildcards, "diagram").section,
            labels=lambda wildcards: {"figure": figure(wildcards, "diagram").title},
        ),
        svg="results/{budget}/figures/{figure}_diagram.svg",
    log:
        "results/{budget}/logs/{figure}_diagram.log",
    conda:
        "../../envs/fashion.yaml"
    params:
        *code("fashion.figures.diagrams:main"),
        family=lambda wildcards: family_code(entry_of(wildcards)["family"]),
        note=note,
        model=lambda wildcards: canonical_json(entry_of(wildcards)),
    shell:
        "python -m fashion.figures.diagrams --data {input.data} --model {params.model:q} --note={params.note:q}"
        " --output {output} 2> {log}"


rule curves:
    input:
        lambda wildcards: run_files(wildcards.budget, runs_of(wildcards, "curves"), "history.csv", "spec.json"),
    output:
        png=report(
            "results/{budget}/figures/{figure}_curves.png",
            caption="../report/curves.rst",
            category=lambda wildcards: figure(wildcards, "curves").section,
            labels=lambda wildcards: {"figure": figure(wildcards, "curves").title},
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
        runs=lambda wildcards: folders(wildcards.budget, runs_of(wildcards, "curves")),
        seeds=seeds,
        held_out=lambda wildcards: figure(wildcards, "curves").held_out,
    shell:
        "python -m fashion.figures.curves --runs {params.runs} --seeds {params.seeds} --reported {params.reported:q}"
        " --held-out {params.held_out} --note={params.note:q} --output {output} 2> {log}"


rule epoch_log:
    input:
        # Of one run, as the report prints it.
        lambda wildcards: run_files(wildcards.budget, runs_of(wildcards, "log")[:1], "history.csv", "spec.json"),
    output:
        png=report(
            "results/{budget}/figures/{figure}_log.png",
            caption="../report/log.rst",
            category=lambda wildcards: figure(wildcards, "log").section,
            labels=lambda wildcards: {"figure": figure(wildcards, "log").title},
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
