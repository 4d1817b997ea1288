"""Writes the page with the answer, report.html: one file that opens offline, with a study's tables and figures.

It computes nothing: every number comes from a table and every picture from a figure.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import jinja2
import pandas as pd

from fashion.answer.bars import bar
from fashion.answer.claims import VERDICTS
from fashion.answer.evidence import OPEN
from fashion.answer.markup import inline, prose, table
from fashion.answer.pictures import picture
from fashion.files import canonical_json, read_json, write_text
from fashion.records.metrics import percent
from fashion.records.run import groups_of
from fashion.records.statistics import CONFIDENCE
from fashion.stage import exit_on_user_error, stage_parser
from fashion.study.definition import in_words
from fashion.tables.compute import TOTAL

# The page's parts; the first one includes the others.
PARTS = ("page.html", "partial.html", "answer.html", "macros.html", "page.css", "page.js")
NOT_RUN = {"source": "not run yet", "verdicts": {}, "decided": 0, "claims": {}, "parts": {}}
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


def read_reading(tables: Path, source: str, figures: Sequence[dict]) -> dict[str, dict]:
    """Returns a reading by its name, from the tables of a study: its verdicts, and each claim's row and parts.

    Args:
        tables: the folder of claims.csv and statements.csv.
        source: whose results they are, in words.
        figures: as `fashion.study.outputs.figures` has them, as mappings; each statement gets those of its models.
    """
    claims = read_rows(tables / "claims.csv")
    parts: dict[str, dict[str, dict]] = {row["id"]: {} for row in claims}
    decided = 0
    for row in read_rows(tables / "statements.csv"):
        models = set((row["models"] or "").split())
        row |= {"bar": bar(row), "figures": [one for one in figures if models & set(one["models"])]}
        part = {"name": row["part"], "essence": row["essence"], "verdict": row["part_verdict"]}
        part |= {"provisional": False, "rows": []}
        parts[row["claim"]].setdefault(row["part"], part)["rows"].append(row)
        decided += row["verdict"] != OPEN and row["seeds"] is not None
    return {
        str(claims[0]["reading"]): {
            "source": source,
            "verdicts": {name: [row["id"] for row in claims if row["verdict"] == name] for name in VERDICTS},
            "decided": decided,
            "wrong": f"{math.ceil((1 - CONFIDENCE) / 2 * decided)}",
            "claims": {row["id"]: row for row in claims},
            "parts": {name: list(of_claim.values()) for name, of_claim in parts.items()},
        }
    }


def measured_beside_reported(
    comparison: pd.DataFrame, models: Sequence[str], columns: dict, titles: dict[str, dict[str, str]]
) -> list[dict]:
    """Returns a row for each model of a figure that has reported numbers, each number with ours.

    Args:
        columns: columns of the comparison, each with its name and format.
        titles: as `Study.titles`.
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
            rows.append({"run": in_words(titles, row["model"], row["augmentation"]), "numbers": numbers})
    return rows


def place(figure: dict, first: str) -> str:
    """Returns the page's section for a figure; the `first` kind opens the page."""
    if figure["kind"] == first:
        return "first"
    return "beyond" if figure["number"] is None else "report"


def show_figures(
    figures: Sequence[dict],
    folder: Path,
    parts: Mapping[str, Sequence[dict]],
    comparison: pd.DataFrame,
    first: str,
    titles: dict[str, dict[str, str]],
) -> list[dict]:
    """Returns each figure with its picture, its section, the claims about its models, and reported numbers.

    Args:
        figures: as `fashion.study.outputs.figures` has them, as mappings.
        folder: the folder of the figures' files.
        first: the kind of figure that opens the page.
        titles: as `Study.titles`.
    """
    return [
        {
            **figure,
            "picture": picture(folder / figure["name"], figure["title"]),
            "place": place(figure, first),
            "claims": [
                claim
                for claim, of_claim in parts.items()
                if any(figure in row["figures"] for part in of_claim for row in part["rows"])
            ],
            "compared": measured_beside_reported(
                comparison, figure["models"], COUNTED if figure["kind"] == "diagram" else TRAINED, titles
            ),
        }
        for figure in figures
    ]


def show_tables(tables: Sequence[dict], folder: Path) -> dict[str, dict]:
    """Returns each table by name, with its HTML, without the answer's tables, which the page shows in its own way.

    Args:
        tables: as `fashion.study.outputs.tables` has them, as mappings.
    """
    return {
        one["name"]: {**one, "html": table(folder / f"{one['name']}.md", one["title"])}
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
    parser.add_argument(
        "--others", type=Path, nargs="*", required=True, help="folders of tables of studies in other readings"
    )
    parser.add_argument("--output", type=Path, required=True, help="the page, .html")
    arguments = parser.parse_args()
    plan, results = read_json(arguments.plan), arguments.results
    titles, unfinished = plan["titles"], plan["unfinished"]
    readings = {reading["name"]: reading["title"] for reading in plan["report"]["readings"]}
    tables = show_tables(plan["tables"], results / "tables")
    measured = {
        name: pd.read_csv(results / f"tables/{name}.csv") if name in tables else pd.DataFrame(columns=["model"])
        for name in ("comparison", "compute")
    }
    own = read_reading(results / "tables", "this study", plan["figures"])
    others: dict[str, dict] = {}
    for path in arguments.others:
        others = read_reading(path, f"reference results, {path.parts[-2]}", plan["figures"]) | others
    known = others | own if plan["decides"] else own | others
    (own_reading,) = own.values()
    runs = groups_of(arguments.runs, plan["runs"])
    origins = provenance([run.provenance for group in runs for run in group])
    # A study that cannot decide begins with its own numbers.
    opening = "published_runs" if plan["decides"] else "tradeoff"
    page = render(
        report=plan["report"],
        study={
            "name": plan["study"]["name"],
            "note": plan["study"]["note"],
            "decides": plan["decides"],
            "models": plan["models"],
            "runs": sum(map(len, runs)),
            "commits": sorted({(origin["commit"] or "unknown")[:7] for origin in origins}),
            "reading": readings[plan["study"]["reading"]],
        },
        partial=unfinished
        and {
            **unfinished,
            "runs": [{**row, "run": in_words(titles, row["model"], row["augmentation"])} for row in unfinished["runs"]],
        },
        now=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
        readings=[{"name": title, **known.get(name, NOT_RUN)} for name, title in readings.items()],
        claims=own_reading["claims"].values(),
        networks=prose(arguments.networks, level=2),
        tables=tables,
        figures=show_figures(
            plan["figures"], results / "figures", own_reading["parts"], measured["comparison"], opening, titles
        ),
        deviations=read_rows(results / "tables/deviations.csv"),
        totals=totals(measured["compute"]) if "compute" in tables else [],
        origins=origins,
    )
    write_text(arguments.output, page)


if __name__ == "__main__":
    exit_on_user_error(main)
