"""Made-up results of the published study, beside what the reference has of it, and the page that is made of them."""

import math
import shutil
from pathlib import Path

import pandas as pd

from fashion.answer.claims import VERDICTS
from fashion.answer.pictures import LARGEST_SVG
from fashion.answer.statements import expand
from fashion.image import CLASSES
from fashion.records.run import finished_runs
from fashion.study import outputs
from fashion.study.definition import Study, grouped, resolve
from fashion.tables.writing import write_table
from helpers.checkout import CONFIG, REPORT, ROOT
from helpers.command import stage

REFERENCE = ROOT / "docs/reference/published"
RULES = REPORT.claims["claims"]

# As matplotlib writes it, with an id that every such figure has, and a mark that says its number.
SVG = """<?xml version="1.0" encoding="utf-8" standalone="no"?>
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<svg xmlns:xlink="http://www.w3.org/1999/xlink" width="468pt" height="144pt" viewBox="0 0 468 144"
 xmlns="http://www.w3.org/2000/svg" version="1.1">
 <metadata><creator>Matplotlib</creator></metadata>
 <defs><style type="text/css">*{stroke-linejoin: round; stroke-linecap: butt}</style>
 <path id="m1" d="M 0 0 L 9 9"/><clipPath id="p1"><rect x="0" y="0" width="468" height="144"/></clipPath></defs>
 <g id="figure_1" clip-path="url(#p1)" fill="currentColor"><use xlink:href="#m1" x="20" y="20"/>
 <g role="img" tabindex="0"><title>epoch 3: 0.25</title><circle cx="100" cy="72" r="8"/></g></g>
</svg>
"""


def numbers(position: int) -> dict:
    """A measured number with its interval and region, open above if `position` is odd; no interval at 0."""
    measured = 0.01 * position
    low, high = (math.nan, math.nan) if position == 0 else (measured - 0.006, measured + 0.006)
    needs_high = math.nan if position % 2 else 0.1
    text = f"{100 * measured:+.2f} points" + (f" ({100 * low:.2f} to {100 * high:.2f})" if position else "")
    return {"measured": measured, "low": low, "high": high, "needs_low": 0.0, "needs_high": needs_high, "text": text}


def write_claims(folder: Path, reading: str, shift: int = 0) -> None:
    """claims.csv and statements.csv: each verdict at every fourth claim, from the `shift`th on."""
    folder.mkdir(parents=True, exist_ok=True)
    verdicts = {name: VERDICTS[(position + shift) % len(VERDICTS)] for position, name in enumerate(RULES)}
    pd.DataFrame(
        {
            "id": name,
            "claim": rule["claim"],
            "place": rule["place"],
            "reported": rule["reported"],
            "reading": reading,
            "verdict": verdicts[name],
            "provisional": verdicts[name] == "holds",
            "statement": f"statement of {name}",
            **numbers(position),
            "needs": "more than 0",
            "sentence": f"One plain sentence on {name}.",
        }
        for position, (name, rule) in enumerate(RULES.items())
    ).to_csv(folder / "claims.csv", index=False)
    pd.DataFrame(
        {
            "claim": name,
            "part": one.part,
            "essence": entry.get("essence", False),
            "part_verdict": "open" if verdicts[name] == "open" else "holds",
            "statement": one.words,
            "needs": one.region,
            **numbers(position),
            "seeds": None if name == "C14" else 3,
            "other_seeds": 5 if one.other else None,
            "verdict": "open" if verdicts[name] == "open" else "holds",
            "provisional": False,
            "why_open": "1 seed, at least 3 are needed" if verdicts[name] == "open" else "",
            "to_decide": "further seeds: 2 of a model" if verdicts[name] == "open" else "",
            "models": " ".join(dict.fromkeys(side[0] for side in one.sides)),
        }
        for name, rule in RULES.items()
        for position, (entry, one) in enumerate((entry, one) for entry in rule[reading] for one in expand(entry))
    ).to_csv(folder / "statements.csv", index=False)


# Tables that are not about single models.
UNMODELLED = ("table1_classes", "table2_operations", "table3_hyperparameters", "duplicates", "without_duplicates")
UNMODELLED += ("factorial",)


def write_tables(folder: Path, study: Study) -> None:
    """All tables: the reference's, and others, with titles in the study's order, as the stages write them."""
    shutil.copytree(REFERENCE / "tables", folder)
    write_claims(folder, study.reading)
    pairs = [(model, augmentation) for model in study.models for augmentation in study.augmentations[model]]
    of_class = [
        {"model": model, "augmentation": augmentation, "class": name, "recall": f"{40 + 5 * place}.0 %"}
        for model, augmentation in pairs
        for place, name in enumerate(CLASSES)
    ]
    of_run = [{"model": model, "augmentation": one, "seed": 0, "seconds": "12.5"} for model, one in pairs]
    rows = {"per_class": of_class, "compute": of_run, "calibration": of_run, "ablation": of_run}
    rows |= {name: [{"label": 1}] for name in UNMODELLED}
    for name, ones in rows.items():
        write_table(
            pd.DataFrame(ones), folder / f"{name}.csv", "a note that stands at the page's top", titles=study.titles
        )
    device = {"device": "a processor", "seconds": 50.0, "watt_hours": math.nan}
    runs = [{**row, **device, "runs": 1, "reported_seconds": 100.0 + place} for place, row in enumerate(of_run)]
    runs[0]["reported_seconds"] = math.nan
    total = {**device, "model": "all", "augmentation": "all", "runs": len(runs), "reported_seconds": 12345.0}
    pd.DataFrame([*runs, total]).to_csv(folder / "compute.csv", index=False)
    pd.DataFrame(
        {"id": name, **{key: entry[key] for key in ("subject", "report", "here")}, "effect": ""}
        for name, entry in REPORT.deviations.items()
    ).to_csv(folder / "deviations.csv", index=False)


def published_study() -> Study:
    """The published study, as far as the reference has it."""
    return resolve(CONFIG, "published").only(finished_runs(REFERENCE))


def write_results(results: Path, study: Study) -> None:
    """The reference's runs and tables, fabricated ones, one figure drawn of them, others made up."""
    (results / "figures").mkdir(parents=True)
    (results / "runs").symlink_to(REFERENCE / "runs")
    write_tables(results / "tables", study)
    write_claims(results / "reference/report/tables", "as_described", shift=1)
    figures = outputs.figures(study, REPORT)
    for one in figures:
        (results / f"figures/{one.name}.svg").write_text(SVG)
        shutil.copy(next(REFERENCE.glob("figures/*.png")), results / f"figures/{one.name}.png")
    (results / "figures/ext04_confusion.svg").write_text(SVG + " " * LARGEST_SVG)
    (curves,) = (one for one in figures if one.name == "fig04_vgg8_curves")
    plan = {"note": "", "classes": CLASSES, "runs": grouped(curves.runs), "titles": study.titles}
    plan["outputs"] = {curves.name: curves.told}
    folders = ("--runs", results / "runs", "--output", results / "figures")
    done = stage("figures.curves", plan, "--published", REPORT.curves, *folders)
    assert done.returncode == 0, done.stderr


def make_page(study: Study, results: Path, *others: Path, partial: dict | None = None, decides: bool = True) -> Path:
    """The page of such a folder, in it.

    Args:
        others: the tables of other readings.
        partial: what is missing, of a page of partial results.
        decides: whether a run of the study follows its reading's protocol.
    """
    output = results / f"report{len(others)}.html"
    plan = {
        "study": {"name": study.name, "note": study.note, "reading": outputs.reading_of(study, REPORT)},
        "report": REPORT.about,
        "models": len(study.models),
        "titles": study.titles,
        "runs": grouped(study.specs),
        "tables": [one.shown for one in outputs.tables(study, REPORT)],
        "figures": [one.shown for one in outputs.figures(study, REPORT)],
        "unfinished": partial,
        "decides": decides,
    }
    folders = ("--runs", results / "runs", "--results", results, "--networks", REPORT.networks, "--output", output)
    done = stage("answer.page", plan, *folders, "--others", *others)
    assert done.returncode == 0, done.stderr
    return output
