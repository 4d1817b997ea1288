# Claims with their verdicts, and the page.

# A study with a note is too small to decide a claim; on other data, no claim applies.
DECIDES = OTHER_DATA or not STUDY.note
# Verdicts in the readings that this study does not answer, or cannot, from the references of studies that do.
OTHER_READINGS = [
    path
    for name, entry in config["studies"].items()
    if not DECIDES or entry.get("reading", REPORT.about["default_reading"]) != SUMMARY["reading"]
    if not OTHER_DATA and (path := ROOT / f"docs/reference/{name}/tables").exists()
]
PAGE = {
    "study": {"name": STUDY.name, "note": STUDY.note, "reading": SUMMARY["reading"]},
    "report": REPORT.about,
    "models": list(STUDY.models),
    "runs": outputs.grouped(STUDY.specs),
    "tables": [one.shown for one in TABLES],
    "figures": [one.shown for one in FIGURES],
    "unfinished": UNFINISHED,
    "decides": DECIDES,
}


rule claims:
    input:
        **DATASET_FILES,
        runs=run_files(STUDY.specs, *DECIDING),
    output:
        table_files("claims"),
    log:
        f"{PLACE}/logs/claims.log",
    conda:
        ENVIRONMENT
    params:
        plan=plan("claims", summary=SUMMARY),
        content=content(claims=REPORT.claims, deviations=REPORT.deviations),
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
        tables=[f"{PLACE}/tables/{one.name}.{suffix}" for one in TABLES for suffix in ("csv", "md")],
        figures=[f"{PLACE}/figures/{one.name}.{suffix}" for one in FIGURES for suffix in ("png", "svg")],
    output:
        f"{PLACE}/report.html",
    log:
        f"{PLACE}/logs/page.log",
    conda:
        ENVIRONMENT
    params:
        plan=canonical_json(PAGE),
        content=content(networks=REPORT.networks.read_text(), others=[(path / name).read_text() for path in OTHER_READINGS for name in ("claims.csv", "statements.csv")]),
        code=code("fashion.answer.page"),
        python=uncompared(PYTHON),
        networks=uncompared(REPORT.networks),
        others=uncompared(OTHER_READINGS),
    shell:
        "{params.python} -m fashion.answer.page --plan /dev/stdin --networks {params.networks:q} --others {params.others:q}"
        f" --runs {RESULTS}/runs --results {PLACE} --output {{output}} 2> {{log}} <<< {{params.plan:q}}"
