# Reproduces a report: snakemake --cores all --resources gpu=1
from snakemake.utils import min_version

min_version("9.17")


include: "workflow/rules/config.smk"


configfile: str(CONFIG_FILE)


include: "workflow/rules/common.smk"


# Partial results take the dataset as it is, and train nothing.
if not PARTIAL or not Path(DATA).exists():

    include: "workflow/rules/data.smk"


if not PARTIAL:

    include: "workflow/rules/training.smk"


include: "workflow/rules/tables.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/answer.smk"
include: "workflow/rules/hooks.smk"


rule all:
    default_target: True
    input:
        rules.claims.output if CLAIM else [*rules.page.input, *rules.page.output],
        # Snakemake would overlook a missing file that only the tables need.
        records=[] if PARTIAL or CLAIM else run_files(STUDY.specs, *files.RECORDS, files.PREDICTIONS),
        names=[] if PARTIAL or CLAIM or NAMES == list(CLASSES) else f"results/data/{files.CLASS_NAMES_FILE}",
