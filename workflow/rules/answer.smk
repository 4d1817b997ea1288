# Claims with their verdicts, and the page.

# A study decides claims if a run of it follows its reading's protocol; on other data, no claim applies.
PROTOCOL = REPORT.claims["protocols"][SUMMARY["reading"]]
DECIDES = OTHER_DATA or not all(departures([spec], PROTOCOL) for spec in STUDY.planned.specs.values())
# Verdicts in the readings that this study does not answer, or cannot, from the references of studies that do.
OTHER_READINGS = [
    path
    for name, entry in config["studies"].items()
    if not DECIDES or entry.get("reading", REPORT.about["default_reading"]) != SUMMARY["reading"]
    if not OTHER_DATA and (path := ROOT / f"docs/reference/{name}/tables").exists()
]
OTHER_TEXTS = [(path / f"{name}.csv").read_text() for path in OTHER_READINGS for name in ("claims", "statements")]
# Epochs timed alone, of whatever `make times` has finished.
ALONE = [path / files.PROVENANCE for _, path in files.run_folders(Path(RESULTS), pattern=files.ALONE)]
ALONE = [str(path) for path in ALONE if path.exists()]
PAGE = {
    "study": {"name": STUDY.name, "note": STUDY.note, "reading": SUMMARY["reading"]},
    "report": REPORT.about,
    "models": len(STUDY.models),
    "titles": STUDY.titles,
    "runs": grouped(STUDY.specs),
    "tables": [one.shown for one in TABLES],
    "figures": [one.shown for one in FIGURES],
    "unfinished": UNFINISHED,
    "decides": DECIDES,
}


rule claims:
    input:
        **DATASET_FILES,
        runs=run_files(STUDY.specs, *DECIDING),
        alone=ALONE,
    output:
        output_files("claims"),
    log:
        f"{PLACE}/logs/claims.log",
    priority: 1  # as rule tables
    localrule: True
    conda:
        ENVIRONMENT
    params:
        plan=plan("claims", summary=SUMMARY),
        content=canonical_json(content_digest(claims=REPORT.claims, deviations=REPORT.deviations)),
        # Models without a run are built, to count their parameters.
        code=code("fashion.answer.make", *NETWORKS),
        python=uncompared(PYTHON),
        report=uncompared(REPORT.folder),
    shell:
        "{params.python} -m fashion.answer.make --plan /dev/stdin --data {input.data}"
        f" --report {{params.report:q}} --runs {RESULTS}/runs --output {PLACE}/tables 2> {{log}} <<< {{params.plan:q}}"


rule page:
    input:
        run_files(STUDY.specs, files.PROVENANCE),
        tables=[f"{PLACE}/{file}" for one in TABLES for file in one.files],
        figures=[f"{PLACE}/{file}" for one in FIGURES for file in one.files],
    output:
        f"{PLACE}/report.html",
    log:
        f"{PLACE}/logs/page.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        plan=param(PAGE),
        content=canonical_json(content_digest(networks=REPORT.networks.read_text(), others=OTHER_TEXTS)),
        code=code("fashion.answer.page"),
        python=uncompared(PYTHON),
        networks=uncompared(REPORT.networks),
        others=uncompared(OTHER_READINGS),
    shell:
        "{params.python} -m fashion.answer.page --plan /dev/stdin --networks {params.networks:q} --others {params.others:q}"
        f" --runs {RESULTS}/runs --results {PLACE} --output {{output}} 2> {{log}} <<< {{params.plan:q}}"
