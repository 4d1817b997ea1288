"""The page with the answer: report.html, one file that opens offline, from a study's tables, figures and provenance.

It computes nothing: every number is from a table, every image a figure, both embedded.
"""

import base64
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import jinja2
import pandas as pd
import yaml
from markdown_it import MarkdownIt

from fashion.files import canonical_json, write_text
from fashion.records.run import add_runs
from fashion.stage import exit_on_user_error, stage_parser

TEMPLATE = "page.html"
WORDS = "figure_words.yaml"
VERDICTS = ("holds", "fails", "undecided")
# What the report says of the models that a figure shows: of a diagram, and of any other.
COUNTED = {"parameters": "{:,.0f}"}
TRAINED = {"test_accuracy": "{:.2%}", "augmented_test_accuracy": "{:.2%}", "epochs": "{:.4g}", "seconds": "{:,.0f}"}


def as_html(markdown: Path) -> str:
    """A Markdown file as HTML."""
    return MarkdownIt("commonmark").enable("table").render(markdown.read_text(encoding="utf-8"))


def data_url(image: Path) -> str:
    """A PNG file as an address that needs no network."""
    return f"data:image/png;base64,{base64.b64encode(image.read_bytes()).decode()}"


def measured_beside_reported(comparison: pd.DataFrame, models: Sequence[str], columns: dict[str, str]) -> list[dict]:
    """What the report says of a figure's models in numbers, each with ours: a row for each model.

    Args:
        columns: of the comparison, each with its format.
    """
    rows = []
    # A figure shows the last augmentation.
    for _, row in comparison[comparison["model"].isin(models)].drop_duplicates("model", keep="last").iterrows():
        numbers = [
            {
                "name": column.replace("_", " "),
                "reported": form.format(row[f"reported_{column}"]),
                "measured": form.format(row[column]),
            }
            for column, form in columns.items()
            if pd.notna(row[f"reported_{column}"])
        ]
        rows.append({"model": row["model"], "numbers": numbers})
    return rows


def figure(row: dict, folder: Path, captions: Path, words: dict, comparison: pd.DataFrame) -> dict:
    """What the template shows of a figure.

    Args:
        row: its `fashion.study.outputs.Figure`, as a mapping.
        words: what the report says of its figures, by number.
    """
    # Written for `snakemake --report`, which renders them with these names; the note stands at the page's top.
    context = {"wildcards": {"figure": row["name"]}, "params": {"note": ""}}
    caption = (captions / f"{row['caption']}.rst").read_text(encoding="utf-8")
    return {
        **row,
        "image": data_url(folder / f"{row['name']}.png"),
        "caption": jinja2.Template(caption).render(snakemake=context).strip(),
        "words": words.get(row["number"]),
        "compared": measured_beside_reported(
            comparison, row["models"], COUNTED if row["reads"] == "model" else TRAINED
        ),
    }


def provenance(runs: Sequence[dict]) -> list[dict]:
    """The different origins of runs, such as device, versions and commit, with their numbers; most common first."""
    keys = ("device", "driver", "python", "packages", "platform", "threads", "commit")
    counts = Counter(canonical_json({key: run[key] for key in keys}) for run in runs)
    return [{**json.loads(origin), "runs": count} for origin, count in counts.most_common()]


def render(tables: Path, study: dict, figures: Sequence[dict], origins: Sequence[dict]) -> str:
    """The page.

    Args:
        tables: the folder of tables.
        study: `budget`, `note`, and the numbers of `models` and `seeds`.
    """
    claims = pd.read_csv(tables / "claims.csv")
    compute = pd.read_csv(tables / "compute.csv")
    counts = claims["verdict"].value_counts()
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template(TEMPLATE).render(
        study=study,
        claims=claims.astype(object).where(claims.notna(), None).to_dict("records"),
        counts={verdict: int(counts.get(verdict, 0)) for verdict in VERDICTS},
        totals=compute[compute["model"] == "all"].to_dict("records"),
        deviations=pd.read_csv(tables / "deviations.csv", keep_default_na=False).to_dict("records"),
        tables={path.stem: as_html(path) for path in sorted(tables.glob("*.md"))},
        of_report=[entry for entry in figures if entry["number"]],
        beyond=[entry for entry in figures if not entry["number"]],
        origins=origins,
    )


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--results", type=Path, required=True, help="the budget's folder, with tables and runs")
    add_runs(parser)
    parser.add_argument("--note", default="", help="what is said of the budget")
    parser.add_argument("--figures", type=json.loads, required=True, help="rows of fashion.study.outputs, a JSON list")
    parser.add_argument("--captions", type=Path, required=True, help="the folder with the figures' captions, .rst")
    parser.add_argument("--output", type=Path, required=True, help="the page, .html")
    arguments = parser.parse_args()
    words = yaml.safe_load(Path(__file__).with_name(WORDS).read_text(encoding="utf-8"))
    tables = arguments.results / "tables"
    comparison = pd.read_csv(tables / "comparison.csv")
    folder = arguments.results / "figures"
    figures = [figure(row, folder, arguments.captions, words, comparison) for row in arguments.figures]
    origins = provenance([run.provenance for runs in arguments.runs for run in runs])
    study = {
        "budget": arguments.results.name,
        "note": arguments.note,
        "models": len({runs[0].spec["model"]["name"] for runs in arguments.runs}),
        "seeds": max(map(len, arguments.runs)),
    }
    write_text(arguments.output, render(tables, study, figures, origins))


if __name__ == "__main__":
    exit_on_user_error(main)
