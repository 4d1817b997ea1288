"""Writes the page with the answer, report.html: one file that opens offline, with a study's tables and figures.

It computes nothing: every number comes from a table and every picture from a figure.
"""

import json
import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import jinja2
import pandas as pd

from fashion.answer.bars import bar
from fashion.answer.markup import inline, prose, table
from fashion.answer.pictures import picture
from fashion.files import canonical_json, read_json, write_text
from fashion.records.metrics import percent
from fashion.records.run import groups_of
from fashion.stage import exit_on_user_error, stage_parser
from fashion.tables.compute import TOTAL

# The page's parts; the first one includes the others.
PARTS = ("page.html", "partial.html", "answer.html", "statements.html", "macros.html", "page.css", "page.js")
NOT_RUN = {"source": "not run yet", "verdicts": {}, "claims": {}}
VERDICTS = ("holds", "fails", "undecided")
# The reported numbers to show under a figure: under a diagram, and under any other figure.
COUNTED = {"parameters": ("parameters", "{:,.0f}".format)}
TRAINED = {
    "test_accuracy": ("test accuracy", percent),
    "augmented_test_accuracy": ("accuracy on RandAugmented test images", percent),
    "epochs": ("epochs", "{:.4g}".format),
    "seconds": ("seconds", "{:,.0f}".format),
}


def read_rows(path: Path) -> list[dict]:
    """Returns the rows of a table, with whole numbers as int and empty cells as None."""
    frame = pd.read_csv(path).convert_dtypes()
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


def read_claims(path: Path, source: str) -> dict[str, dict]:
    """Returns a reading by its name: the source of its results, the claims of each verdict, and each claim's row."""
    claims = [{**row, "bar": bar(row)} for row in read_rows(path)]
    return {
        str(claims[0]["reading"]): {
            "source": source,
            "verdicts": {name: [row["id"] for row in claims if row["verdict"] == name] for name in VERDICTS},
            "claims": {row["id"]: row for row in claims},
        }
    }


def read_statements(path: Path, figures: Sequence[dict]) -> dict[str, list[dict]]:
    """Returns each claim's statements, with the figures that show their models.

    Args:
        figures: as `fashion.study.outputs.figures` has them, as mappings.
    """
    statements: dict[str, list[dict]] = {}
    for row in read_rows(path):
        models = set((row["models"] or "").split())
        shown = [one for one in figures if models & set(one["models"])]
        statements.setdefault(row["claim"], []).append({**row, "bar": bar(row), "figures": shown})
    return statements


def measured_beside_reported(comparison: pd.DataFrame, models: Sequence[str], columns: dict) -> list[dict]:
    """Returns a row for each model of a figure that has reported numbers, each number with ours.

    Args:
        columns: columns of the comparison, each with its name and format.
    """
    rows = []
    # A figure shows its model's last augmentation.
    for _, row in comparison[comparison["model"].isin(models)].drop_duplicates("model", keep="last").iterrows():
        numbers = [
            {"name": name, "reported": form(row[f"reported_{column}"]), "measured": form(row[column])}
            for column, (name, form) in columns.items()
            if pd.notna(row[f"reported_{column}"])
        ]
        if numbers:
            rows.append({"model": row["model"], "augmentation": row["augmentation"], "numbers": numbers})
    return rows


def place(figure: dict, first: str) -> str:
    """Returns the page's section for a figure; the `first` kind opens the page."""
    if figure["kind"] == first:
        return "first"
    return "beyond" if figure["number"] is None else "report"


def show_figures(
    figures: Sequence[dict],
    folder: Path,
    statements: dict[str, list[dict]],
    comparison: pd.DataFrame,
    first: str,
) -> list[dict]:
    """Returns each figure with its picture, its section, the claims about its models, and reported numbers.

    Args:
        figures: as `fashion.study.outputs.figures` has them, as mappings.
        folder: the folder of the figures' files.
        first: the kind of figure that opens the page.
    """
    return [
        {
            **figure,
            "picture": picture(folder / figure["name"], figure["title"]),
            "place": place(figure, first),
            "claims": [claim for claim, ones in statements.items() if any(figure in one["figures"] for one in ones)],
            "compared": measured_beside_reported(
                comparison, figure["models"], COUNTED if figure["kind"] == "diagram" else TRAINED
            ),
        }
        for figure in figures
    ]


def show_tables(tables: Sequence[dict], folder: Path, models: Sequence[str]) -> dict[str, dict]:
    """What the page has of each table by name, but for those of the answer, which it shows in its own way.

    Args:
        tables: as `fashion.study.outputs.tables` has them, as mappings.
    """
    return {
        one["name"]: {**one, "html": table(folder / f"{one['name']}.md", one["title"], models)}
        for one in tables
        if one["kind"] not in ("claims", "statements", "deviations")
    }


def totals(compute: pd.DataFrame) -> list[dict]:
    """Returns each device's sums over its runs, with its number of model-augmentation pairs and of reported times."""
    runs, sums = compute[compute["model"] != TOTAL], compute[compute["model"] == TOTAL]
    pairs = runs.groupby("device")[["model", "augmentation"]].apply(lambda own: len(own.drop_duplicates()))
    timed = runs.groupby("device")["reported_seconds"].nunique()
    return sums.assign(pairs=sums["device"].map(pairs), timed=sums["device"].map(timed)).to_dict("records")


def provenance(runs: Sequence[dict]) -> list[dict]:
    """Returns the different origins of runs (device, versions, commit) with their numbers of runs, largest first."""
    keys = ("device", "driver", "python", "packages", "platform", "threads", "commit")
    counts = Counter(canonical_json({key: run[key] for key in keys}) for run in runs)
    return [{**json.loads(origin), "runs": count} for origin, count in counts.most_common()]


def render(**shown) -> str:
    """Returns the page."""
    folder = Path(__file__).parent
    environment = jinja2.Environment(
        loader=jinja2.DictLoader({name: (folder / name).read_text(encoding="utf-8") for name in PARTS}),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["inline"] = inline
    page = environment.get_template(PARTS[0]).render(shown)
    return re.sub(r"(?<=\d) (?=%)", "\N{NO-BREAK SPACE}", page)


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--plan", type=Path, required=True, help="the study, its report, tables and figures, JSON")
    parser.add_argument("--runs", type=Path, required=True, help="the folder with all runs")
    parser.add_argument("--results", type=Path, required=True, help="the folder with the tables and figures")
    parser.add_argument("--networks", type=Path, required=True, help="Markdown on which network made which number")
    parser.add_argument("--others", type=Path, nargs="*", required=True, help="claims.csv of studies in other readings")
    parser.add_argument("--output", type=Path, required=True, help="the page, .html")
    arguments = parser.parse_args()
    plan, results = read_json(arguments.plan), arguments.results
    readings = {reading["name"]: reading["title"] for reading in plan["report"]["readings"]}
    tables = show_tables(plan["tables"], results / "tables", plan["models"])
    measured = {
        name: pd.read_csv(results / f"tables/{name}.csv") if name in tables else pd.DataFrame(columns=["model"])
        for name in ("comparison", "compute")
    }
    statements = read_statements(results / "tables/statements.csv", plan["figures"])
    own = read_claims(results / "tables/claims.csv", "this study")
    others: dict[str, dict] = {}
    for path in arguments.others:
        others |= read_claims(path, f"reference results, {path.parts[-3]}")
    runs = groups_of(arguments.runs, plan["runs"])
    origins = provenance([run.provenance for group in runs for run in group])
    # A study with a note cannot decide, and so begins with its own numbers.
    opening = "tradeoff" if plan["study"]["note"] else "published_runs"
    page = render(
        report=plan["report"],
        study={
            "name": plan["study"]["name"],
            "note": plan["study"]["note"],
            "models": len(plan["models"]),
            "runs": sum(map(len, runs)),
            "commits": sorted({(origin["commit"] or "unknown")[:7] for origin in origins}),
            "reading": readings[plan["study"]["reading"]],
        },
        partial=plan["unfinished"],
        now=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
        readings=[{"name": title, **(others | own).get(name, NOT_RUN)} for name, title in readings.items()],
        claims=next(iter(own.values()))["claims"].values(),
        statements=statements,
        networks=prose(arguments.networks, level=2),
        tables=tables,
        figures=show_figures(plan["figures"], results / "figures", statements, measured["comparison"], opening),
        deviations=read_rows(results / "tables/deviations.csv"),
        totals=totals(measured["compute"]) if "compute" in tables else [],
        origins=origins,
    )
    write_text(arguments.output, page)


if __name__ == "__main__":
    exit_on_user_error(main)
