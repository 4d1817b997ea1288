# "Fashion-MNIST Clothing Classification", reproduced: snakemake --cores all --resources gpu=1
from snakemake.utils import min_version

min_version("9.14")


configfile: "config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/console.smk"
include: "workflow/rules/lock.smk"


# Partial results take the dataset as it is.
if not PARTIAL or not Path(DATA).exists():

    include: "workflow/rules/data.smk"


if not PARTIAL:

    include: "workflow/rules/training.smk"


include: "workflow/rules/tables.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/answer.smk"
include: "workflow/rules/status.smk"
include: "workflow/rules/partial.smk"


rule all:
    default_target: True
    input:
        tables=tables(config["study"]),
        figures=figures(config["study"]),
        records=records(config["study"]),
        page=expand(f"{PLACE}/report.html", study=config["study"]),
