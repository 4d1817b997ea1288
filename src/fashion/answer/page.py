"""The page with the answer: report.html, one file that opens offline, from a study's tables, figures and provenance.

It computes nothing: every number is from a table, every picture a figure, both embedded.
"""

import json
import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import jinja2
import pandas as pd
import yaml

from fashion.answer.bars import bar
from fashion.answer.markup import inline, prose, table
from fashion.answer.pictures import picture
from fashion.files import canonical_json, read_json, write_text
from fashion.records.metrics import percent
from fashion.records.run import group
from fashion.stage import exit_on_user_error, stage_parser
from fashion.tables.compute import TOTAL

# What the page is made of; the first one includes the others.
PARTS = ("page.html", "partial.html", "answer.html", "statements.html", "macros.html", "page.css", "page.js")
WORDS = "figure_words.yaml"
READINGS = {"as_published": "As published", "as_described": "As described"}
NOT_RUN = {"source": "not run yet", "verdicts": {}, "claims": {}}
VERDICTS = ("holds", "fails", "undecided")
# What the report says of the models that a figure shows: of a diagram, and of any other.
COUNTED = {"parameters": ("parameters", "{:,.0f}".format)}
TRAINED = {
    "test_accuracy": ("test accuracy", percent),
    "augmented_test_accuracy": ("accuracy on RandAugmented test images", percent),
    "epochs": ("epochs", "{:.4g}".format),
    "seconds": ("seconds", "{:,.0f}".format),
}


def read_rows(path: Path) -> list[dict]:
    """The rows of a table; whole numbers are such, and an empty cell is None."""
    frame = pd.read_csv(path).convert_dtypes()
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


def caption(folder: Path, name: str, figure: str = "") -> str:
    """The text `name`.rst of a table or figure."""
    # Written for `snakemake --report`, which renders them with these names; the note stands at the page's top.
    context = {"wildcards": {"figure": figure}, "params": {"note": ""}}
    text = (folder / f"{name}.rst").read_text(encoding="utf-8")
    return jinja2.Template(text).render(snakemake=context).strip()


def read_claims(path: Path, source: str) -> dict[str, dict]:
    """A reading by its name: where its results are from, the claims of each verdict, and what it has of each claim."""
    claims = [{**row, "bar": bar(row)} for row in read_rows(path)]
    return {
        str(claims[0]["reading"]): {
            "source": source,
            "verdicts": {name: [row["id"] for row in claims if row["verdict"] == name] for name in VERDICTS},
            "claims": {row["id"]: row for row in claims},
        }
    }


def read_statements(path: Path, figures: Sequence[dict]) -> dict[str, list[dict]]:
    """The statements that each claim is made of, with the figures that show their models.

    Args:
        figures: rows of `fashion.study.outputs`, as mappings.
    """
    statements: dict[str, list[dict]] = {}
    for row in read_rows(path):
        models = set((row["models"] or "").split())
        shown = [one for one in figures if models & set(one["models"])]
        statements.setdefault(row["claim"], []).append({**row, "bar": bar(row), "figures": shown})
    return statements


def measured_beside_reported(comparison: pd.DataFrame, models: Sequence[str], columns: dict) -> list[dict]:
    """What the report says of a figure's models in numbers, each with ours: a row for each model.

    Args:
        columns: of the comparison, each with its name and format.
    """
    rows = []
    # A figure shows the last augmentation.
    for _, row in comparison[comparison["model"].isin(models)].drop_duplicates("model", keep="last").iterrows():
        numbers = [
            {"name": name, "reported": form(row[f"reported_{column}"]), "measured": form(row[column])}
            for column, (name, form) in columns.items()
            if pd.notna(row[f"reported_{column}"])
        ]
        if numbers:
            rows.append({"model": row["model"], "augmentation": row["augmentation"], "numbers": numbers})
    return rows


def place(figure: dict, repeated: set[str]) -> str:
    """The section of the page that a figure is in; `repeated` are the models of published runs."""
    if figure["reads"] == "repeats":
        return "repeats"
    if figure["number"] is None:
        return "beyond"
    return "networks" if figure["reads"] == "histories" and repeated & set(figure["models"]) else "report"


def show_figures(
    rows: Sequence[dict],
    results: Path,
    captions: Path,
    statements: dict[str, list[dict]],
    comparison: pd.DataFrame,
    repeated: set[str],
) -> list[dict]:
    """What the page has of each figure.

    Args:
        rows: of `fashion.study.outputs`, as mappings.
        repeated: the models of published runs.
    """
    words = yaml.safe_load(Path(__file__).with_name(WORDS).read_text(encoding="utf-8"))
    return [
        {
            **row,
            "picture": picture(results / "figures" / row["name"], row["title"]),
            "caption": caption(captions, row["caption"], row["name"]),
            "words": words.get(row["number"]),
            "place": place(row, repeated),
            "claims": [claim for claim, ones in statements.items() if any(row in one["figures"] for one in ones)],
            "compared": measured_beside_reported(
                comparison, row["models"], COUNTED if row["reads"] == "model" else TRAINED
            ),
        }
        for row in rows
    ]


def show_tables(rows: Sequence[dict], folder: Path, captions: Path, models: Sequence[str]) -> dict[str, dict]:
    """What the page has of each table that another stage made readable, by name.

    Args:
        rows: of `fashion.study.outputs`, as mappings.
    """
    return {
        row["name"]: {
            **row,
            "caption": caption(captions, row["name"]),
            "html": table(folder / f"{row['name']}.md", row["title"], models),
        }
        for row in rows
        if row["reads"] != "answer"
    }


def totals(compute: pd.DataFrame) -> list[dict]:
    """What the trainings on each device took, of how many models and augmentations, and how many times are reported."""
    runs, sums = compute[compute["model"] != TOTAL], compute[compute["model"] == TOTAL]
    pairs = runs.groupby("device")[["model", "augmentation"]].apply(lambda own: len(own.drop_duplicates()))
    timed = runs.groupby("device")["reported_seconds"].nunique()
    return sums.assign(pairs=sums["device"].map(pairs), timed=sums["device"].map(timed)).to_dict("records")


def provenance(runs: Sequence[dict]) -> list[dict]:
    """The different origins of runs, such as device, versions and commit, with their numbers; most common first."""
    keys = ("device", "driver", "python", "packages", "platform", "threads", "commit")
    counts = Counter(canonical_json({key: run[key] for key in keys}) for run in runs)
    return [{**json.loads(origin), "runs": count} for origin, count in counts.most_common()]


def render(**shown) -> str:
    """The page."""
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
    parser.add_argument("--results", type=Path, required=True, help="the study's folder, with tables and runs")
    parser.add_argument("--study", required=True)
    parser.add_argument("--models", nargs="*", required=True, help="in the order in which tables list them")
    parser.add_argument("--runs", type=group, nargs="*", required=True, help="those of each model and augmentation")
    parser.add_argument(
        "--partial", type=Path, required=True, help="what partial results lack, JSON: null for whole ones"
    )
    parser.add_argument("--note", default="", help="what is said of the study")
    parser.add_argument("--tables", type=json.loads, required=True, help="rows of fashion.study.outputs, a JSON list")
    parser.add_argument("--figures", type=json.loads, required=True, help="likewise")
    parser.add_argument("--captions", type=Path, required=True, help="the folder with their captions, .rst")
    parser.add_argument("--published", type=Path, required=True, help="which network made which number, Markdown")
    parser.add_argument("--other", type=Path, help="claims.csv of the other reading, in the reference of its study")
    parser.add_argument("--output", type=Path, required=True, help="the page, .html")
    arguments = parser.parse_args()
    results, captions = arguments.results, arguments.captions
    tables = show_tables(arguments.tables, results / "tables", captions, arguments.models)
    measured = {
        name: pd.read_csv(results / f"tables/{name}.csv") if name in tables else pd.DataFrame(columns=["model"])
        for name in ("comparison", "compute", "repeats")
    }
    statements = read_statements(results / "tables/statements.csv", arguments.figures)
    own = read_claims(results / "tables/claims.csv", "this study")
    other = read_claims(arguments.other, f"reference results, {arguments.other.parts[-3]}") if arguments.other else {}
    page = render(
        study={
            "name": arguments.study,
            "note": arguments.note,
            "models": len(arguments.models),
            "seeds": sorted({len(runs) for runs in arguments.runs}),
            "reading": READINGS[next(iter(own))],
        },
        partial=read_json(arguments.partial),
        now=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
        readings=[{"name": words, **(own | other).get(name, NOT_RUN)} for name, words in READINGS.items()],
        claims=next(iter(own.values()))["claims"].values(),
        statements=statements,
        networks=prose(arguments.published, level=2),
        tables=tables,
        figures=show_figures(
            arguments.figures, results, captions, statements, measured["comparison"], set(measured["repeats"]["model"])
        ),
        deviations=read_rows(results / "tables/deviations.csv"),
        totals=totals(measured["compute"]) if "compute" in tables else [],
        origins=provenance([run.provenance for runs in arguments.runs for run in runs]),
    )
    write_text(arguments.output, page)


if __name__ == "__main__":
    exit_on_user_error(main)
