"""A reference's page: how its runs were made, what came out, and what they do not show."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from fashion.records.run import finished_runs
from fashion.records.timing import doubts
from fashion.reference.compare import RULE
from fashion.study import outputs
from fashion.study.definition import Study, grouped
from fashion.study.report import Report
from fashion.study.run_folder import ALONE
from fashion.study.spec import Key
from fashion.tables.writing import escape, markdown

# In the order of a study's page.
PAGE = """\
# Reference results: study `{study}`

{published} of the study's {planned} runs, put here by `make publish STUDY={study}`: {hours:.1f} hours of training,
summed over the runs. The last run finished on {finished}.

{repeats}
## The claims, {reading}

{claims}

Their parts, with every number: [`tables/statements.md`](tables/statements.md).

## Comparison with the report

{comparison}

Tables are in [`tables/`](tables), each run's spec, history, metrics and provenance in [`runs/`](runs).

{figures}

{tables}

## What they do not show

{limits}
{missing}
## How they were made

    {command}

- source: {commits}
- devices: {devices}
- versions: {versions}

## Check your own

    {command}
    make compare STUDY={study}

{rule}
"""

REPEATED = """\
## The published runs, repeated

{picture}

Each published accuracy beside ours, measured on the same kind of test images. A published accuracy agrees if it lies
where one more seed of ours would, with 95 % confidence. Fewer than three seeds decide nothing.

{table}

"""

MISSING = """
Not finished yet:

{table}

"""


# The kinds of tables that it shows below the figures.
SHOWN = ("factorial", "classes", "operations", "hyperparameters")
Tables = dict[str, tuple[pd.DataFrame, pd.DataFrame | None]]


def readme(study: Study, report: Report, folder: Path, tables: Tables, missing: list[Key]) -> str:
    """Returns the page on the reference in a folder.

    Args:
        tables: by kind, each with its version for readers.
    """
    runs = finished_runs(folder).values()
    provenances = [run.provenance for run in runs]
    limits = [escape(study.note)] * bool(study.note)
    if tables["comparison"][0]["seeds"].min() == 1:
        limits.append("Where there is one seed, the interval is for other test images, not for other seeds.")
    limits += [f"Runs {words}: their times decide nothing." for words in doubts(runs)]
    alone = len(finished_runs(folder, ALONE))
    limits += [f"Of times that are compared, {alone} epochs timed alone decide: [`alone/`](alone)."] * bool(alone)
    diverged = sum(run.diverged is not None for run in runs)
    limits += [f"{diverged} of the {len(runs)} runs diverged; they count with their accuracy."] * bool(diverged)
    if "without_duplicates" in tables:
        rows = tables["without_duplicates"][0].itertuples(index=False)
        limits.append(
            f"Some test images nearly equal a training image. {'; '.join(f'{what}: {n}' for what, n in rows)}."
        )
    limits.append("Weights and predictions are not kept, only which test images were right (`correct.npy`).")
    pictures = [
        (figure.kind, f"![{escape(figure.title)}](figures/{figure.name}.png)")
        for figure in outputs.figures(study, report)
        if (folder / f"figures/{figure.name}.png").exists()
    ]
    of_repeats = [picture for kind, picture in pictures if kind == "published_runs"]
    repeated = REPEATED.format(picture="\n".join(of_repeats), table=_markdown(tables["repeats"], study))
    return PAGE.format(
        study=study.name,
        reading=escape(report.readings[outputs.reading_of(study, report)].lower()),
        published=len(runs),
        planned=len(study.specs),
        command=f"snakemake --cores all --resources gpu=1 --config study={study.name}",
        commits=_counted(f"commit {one['commit'] or 'not recorded'}" for one in provenances),
        devices=_counted(
            one["device"]
            + (f", driver {one['driver']}" if one["driver"] else f", {one['threads']} in use for a training")
            for one in provenances
        ),
        versions=_counted(
            ", ".join(f"{name} {version}" for name, version in {"Python": one["python"], **one["packages"]}.items())
            for one in provenances
        ),
        hours=sum(run.history["seconds"].sum() for run in runs) / 3600,
        finished=max(one["finished"] for one in provenances)[:10],
        claims=_markdown(tables["claims"], study),
        comparison=_markdown(tables["comparison"], study),
        repeats=repeated if len(tables["repeats"][0]) else "",
        figures="\n\n".join(picture for kind, picture in pictures if kind != "published_runs"),
        tables="\n\n".join(
            f"## {escape(one.title)}\n\n{(folder / f'tables/{one.name}.md').read_text(encoding='utf-8').strip()}"
            for one in outputs.tables(study, report)
            if one.kind in SHOWN and (folder / f"tables/{one.name}.md").exists()
        ),
        missing=MISSING.format(table=_of_missing(missing, study)) if missing else "",
        limits="\n".join(f"- {limit}" for limit in limits),
        rule=RULE,
    )


def _markdown(table: tuple[pd.DataFrame, pd.DataFrame | None], study: Study) -> str:
    frame, shown = table
    return markdown(frame if shown is None else shown, study.titles)


def _of_missing(keys: Iterable[Key], study: Study) -> str:
    """Returns missing runs as a table, a row for each model and augmentation."""
    rows = [
        {"model": model, "augmentation": name, "seeds": ", ".join(map(str, own))} for model, name, own in grouped(keys)
    ]
    return _markdown((pd.DataFrame(rows), None), study)


def listed(keys: Iterable[Key]) -> str:
    """Returns runs in words; seeds of one model and augmentation stand together."""
    return "; ".join(f"{model} {name} seed {', '.join(map(str, own))}" for model, name, own in grouped(keys))


def _counted(texts: Iterable[str]) -> str:
    """Returns the different texts, the most frequent first, each with its number of runs unless all runs share it."""
    counts = sorted(Counter(map(escape, texts)).items(), key=lambda item: (-item[1], item[0]))
    if len(counts) == 1:
        return counts[0][0]
    return "; ".join(f"{text} ({count} run{'s' * (count > 1)})" for text, count in counts)
