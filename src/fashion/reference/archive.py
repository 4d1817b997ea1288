"""Packs a study's finished runs, page, tables and figures into one .zip to upload to an archive.

The same files give the same bytes. The archive describes itself: `ro-crate-metadata.json` follows RO-Crate 1.1 and its
profile for runs of processes, and `SHA256SUMS` is for `sha256sum --check`. `docs/running.md` says how to use one.
"""

import hashlib
import json
import mimetypes
import zipfile
from pathlib import Path

import yaml

from fashion.errors import UserError
from fashion.files import atomic
from fashion.records.run import Run, finished_runs
from fashion.reference.readme import listed
from fashion.stage import exit_on_user_error, stage_parser
from fashion.study.config import CONFIG, load_study
from fashion.study.definition import Study
from fashion.study.report import CHECKOUT, Report
from fashion.study.run_folder import ALONE, CLASS_NAMES_FILE, FOLDER, run_path
from fashion.study.spec import Key
from fashion.tables.writing import escape

CRATE, SUMS = "ro-crate-metadata.json", "SHA256SUMS"
CONTEXT = ["https://w3id.org/ro/crate/1.1/context", "https://w3id.org/ro/terms/workflow-run/context"]
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
# From a checkout, beside the configuration and the report.
COMMON = ("requirements.lock", "CITATION.cff", "LICENSE")
README = """\
# {title}: study {study}

{count} of {planned} runs of the report "{report}", repeated. {missing}

- `results/{study}/`: page, tables and figures, and each run's spec, history, metrics, predictions and weights
- `config.yaml`, `{folder}/`: the configuration, and what the report says and claims
- `requirements.lock`: every package with its version; `CITATION.cff`: how to cite this
- `{crate}`: all of this for machines; `sha256sum --check {sums}` checks the files

With the program, from the commit that each run's provenance.json names, in this folder:

    fashion runs
    fashion predict --run {example} photograph.jpg

{licence}
"""


def contents(study: Study, report: Report, results: Path) -> tuple[dict[str, Path], dict[Key, Run]]:
    """Returns the archive's files, by their place in it, and the runs that it has.

    Args:
        results: the study's folder of results, or a reference.

    Raises:
        UserError: no run of the study has finished there.
    """
    finished = finished_runs(results)
    runs = {key: run for key, run in finished.items() if study.specs.get(key) == run.spec}
    if not runs:
        raise UserError(f"{results}: no finished run of the study {study.name} as config.yaml has it now")
    # Tables, figures and page are those of all runs or, if some are missing, those of the finished ones.
    made = results if (results / "tables").is_dir() else results / "partial"
    place = f"results/{study.name}"
    found = {f"{place}/{name}": made / name for name in ("report.html", "README.md")}
    for folder in ("tables", "figures"):
        found |= {f"{place}/{folder}/{path.name}": path for path in (made / folder).glob("[!.]*")}
    for pattern, ones in ((FOLDER, runs), (ALONE, finished_runs(results, ALONE))):
        for key, run in ones.items():
            found |= {f"{place}/{run_path(pattern, key)}/{path.name}": path for path in run.folder.glob("[!.]*")}
    found |= {name: CHECKOUT / name for name in COMMON} | {"config.yaml": CONFIG}
    found |= {f"{report.folder.name}/{path.name}": path for path in report.folder.iterdir()}
    found[f"results/data/{CLASS_NAMES_FILE}"] = results.parent / "data" / CLASS_NAMES_FILE
    return {name: path for name, path in sorted(found.items()) if path.is_file()}, runs


def crate(
    name: str, description: str, files: dict[str, bytes], sums: dict[str, str], runs: dict[Key, Run], place: str
) -> dict:
    """Returns the RO-Crate metadata of an archive: every file, and each run as an action that made its files.

    Args:
        files: the content of each file, by its place in the archive.
        sums: the SHA-256 of each file.
        place: the folder of the study's results in the archive.
    """
    cited = yaml.safe_load(files["CITATION.cff"])
    authors = [
        {"@id": f"#author{number}", "@type": "Person" if "family-names" in one else "Organization"}
        | {"name": one.get("name") or f"{one['given-names']} {one['family-names']}"}
        for number, one in enumerate(cited["authors"], start=1)
    ]
    licence = {
        "@id": f"https://spdx.org/licenses/{cited['license']}",
        "@type": "CreativeWork",
        "name": cited["license"],
    }
    software = {"@id": "#software", "@type": "SoftwareApplication", "name": cited["title"], "version": cited["version"]}
    software |= {"url": cited["repository-code"]} if "repository-code" in cited else {}
    described = [
        {
            "@id": path,
            "@type": "File",
            "name": path.rpartition("/")[2],
            "contentSize": str(len(content)),
            "encodingFormat": mimetypes.guess_type(path)[0] or "application/octet-stream",
            "sha256": sums[path],
        }
        for path, content in files.items()
    ]
    actions = []
    for key, run in runs.items():
        own = f"{place}/{run_path(FOLDER, key)}/"
        actions.append(
            {
                "@id": f"#{run_path(FOLDER, key)}",
                "@type": "CreateAction",
                "name": f"training and evaluation of {key[0]}, augmentation {key[1]}, seed {key[2]}",
                "description": f"commit {run.provenance['commit'] or 'not recorded'} on {run.provenance['device']}",
                "endTime": run.provenance["finished"],
                "instrument": {"@id": software["@id"]},
                "result": [{"@id": path} for path in files if path.startswith(own)],
            }
        )
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": name,
        "description": description,
        "datePublished": max(run.provenance["finished"] for run in runs.values())[:10],
        "conformsTo": {"@id": PROFILE},
        "license": {"@id": licence["@id"]},
        "author": [{"@id": author["@id"]} for author in authors],
        "hasPart": [{"@id": one["@id"]} for one in described],
        "mentions": [{"@id": action["@id"]} for action in actions],
    }
    about = {"@id": CRATE, "@type": "CreativeWork", "about": {"@id": "./"}}
    about["conformsTo"] = {"@id": "https://w3id.org/ro/crate/1.1"}
    profile = {"@id": PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"}
    return {"@context": CONTEXT, "@graph": [about, root, licence, profile, software, *authors, *described, *actions]}


def pack(study: Study, report: Report, results: Path, output: Path) -> list[Key]:
    """Writes the archive of a study; returns the runs of the study that it lacks.

    Raises:
        UserError: no run of the study has finished.
    """
    found, runs = contents(study, report, results)
    missing = [key for key in study.specs if key not in runs]
    title = yaml.safe_load((CHECKOUT / "CITATION.cff").read_text())["title"]
    place = f"results/{study.name}"
    readme = README.format(
        title=title,
        study=study.name,
        count=len(runs),
        planned=len(study.specs),
        report=escape(report.about["title"]),
        missing=f"Missing: {listed(missing)}." if missing else "",
        folder=report.folder.name,
        crate=CRATE,
        sums=SUMS,
        example=f"{place}/{run_path(FOLDER, next(iter(runs)))}",
        licence=escape(report.about["licence"]),
    )
    files = {"README.md": readme.encode()} | {name: path.read_bytes() for name, path in found.items()}
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    about = study.note or report.about["reproduced"]
    described = crate(f"{title}: study {study.name}", about, files, sums, runs, place)
    files[CRATE] = (json.dumps(described, indent=2, ensure_ascii=False) + "\n").encode()
    sums[CRATE] = hashlib.sha256(files[CRATE]).hexdigest()
    files[SUMS] = "".join(f"{own}  {name}\n" for name, own in sorted(sums.items())).encode()
    with atomic(output) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, content in files.items():
            # Without a date and this user's permissions.
            entry = zipfile.ZipInfo(f"{output.stem}/{name}")
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, content)
    return missing


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--study", required=True, help="a study of config.yaml")
    parser.add_argument("--results", type=Path, help="the study's results, or a reference (default: results/<study>)")
    parser.add_argument("--output", type=Path, help="the archive (default: results/<study>.zip)")
    arguments = parser.parse_args()
    study, report = load_study([CONFIG], arguments.study)
    output = arguments.output or Path(f"results/{study.name}.zip")
    missing = pack(study, report, arguments.results or Path("results", study.name), output)
    print(
        f"{output}: {len(study.specs) - len(missing)} of {len(study.specs)} runs, {output.stat().st_size / 1e6:.1f} MB"
    )


if __name__ == "__main__":
    exit_on_user_error(main)
