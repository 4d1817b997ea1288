# Each target first makes .venv from requirements.lock, or completes it.
PYTHON ?= python3
STUDY ?= report
REFERENCE ?= docs/reference/$(STUDY)
STAMP := .venv/.installed
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# Nothing is shown on a screen, whatever backend a notebook names.
export MPLBACKEND := agg

### First steps

.PHONY: help
help: ## list these targets
	@sed -n 's/^### //p; s/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 18

.PHONY: quick
quick: installed ## make every table and figure from few images: minutes on two CPU cores
	snakemake --cores all --resources gpu=1 --config study=quick

.PHONY: test
test: installed ## run all tests: units, then whole pipelines on a tiny dataset
	pytest

### Studies

.PHONY: published
published: installed ## repeat the published experiments, five seeds each: days on two CPU cores
	snakemake --cores all --resources gpu=1 --config study=published

.PHONY: report
report: installed ## run the whole report under its own protocol: hours on a GPU
	snakemake --cores all --resources gpu=1

.PHONY: baseline
baseline: installed ## train our baseline, five seeds: some nine minutes of two cores each
	snakemake --cores all --resources gpu=1 --set-threads train=2 --config study=baseline

.PHONY: status
status: installed ## list the studies or, of STUDY=..., the runs that are not up to date, why, and how long they take
ifeq ($(origin STUDY),file)
	python -m fashion.ask.studies
else
	snakemake --cores all --resources gpu=1 --dry-run --quiet --config study=$(STUDY)
endif

.PHONY: gpu-check
gpu-check: installed ## check the CUDA code on your GPU, in five minutes
	python benchmarks/gpu_check.py

### Answer, of STUDY=... (report if not given)

.PHONY: page
page: installed ## build the report from the finished runs, even while others run
	nice snakemake --cores all --config study=$(STUDY) partial=True

.PHONY: decide
decide: installed ## train what one claim lacks, and say its verdict: make decide CLAIM=C4 STUDY=published
	@test "$(CLAIM)" || { echo "error: which claim? for instance: make decide CLAIM=C4 STUDY=published" >&2; exit 1; }
	snakemake --cores all --resources gpu=1 --config study=$(STUDY) claim=$(CLAIM)

.PHONY: times
times: installed ## time an epoch, or one of IMAGES=..., of each model whose times claims compare; stop all else first
	python -m fashion.answer.time --study $(STUDY) $(if $(IMAGES),--images $(IMAGES))

.PHONY: compare
compare: installed ## check the results against docs/reference, or REFERENCE=folder
	python -m fashion.reference.compare --own results/$(STUDY) --reference $(REFERENCE)

.PHONY: publish
publish: installed ## copy the small result files to docs/reference, the verdicts to README.md
	python -m fashion.reference.publish --study $(STUDY)
	python -m fashion.reference.verdicts

.PHONY: answer
answer: installed ## write the verdicts in docs/reference to README.md
	python -m fashion.reference.verdicts

.PHONY: archive
archive: installed ## pack the results, with weights, into results/STUDY.zip to cite and share
	python -m fashion.reference.archive --study $(STUDY)

### Development

.PHONY: lint
lint: installed ## run ruff, ty, snakefmt and snakemake --lint
	ruff check .
	ruff format --check .
	ty check src
	snakefmt --check Snakefile workflow
	snakemake --lint

.PHONY: lowest
lowest: installed ## test the lowest Snakemake that is allowed
	uv venv --quiet --clear .venv/lowest
	uv pip install --quiet --python .venv/lowest --require-hashes --requirement requirements.lock
	uv pip install --quiet --python .venv/lowest "snakemake==$$(sed -n 's/^min_version("\(.*\)")/\1.0/p' Snakefile)"
	.venv/lowest/bin/pytest --numprocesses 0 -k "ones_own or kill_9" tests/pipeline/test_own_report.py tests/pipeline/test_interrupt.py

.PHONY: lock
lock: installed ## resolve pyproject.toml's ranges into requirements.lock again
	uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --upgrade \
		--generate-hashes --no-emit-index-url --no-annotate --no-header --quiet --output-file requirements.lock

# The packages are checked at each call, which takes uv a tenth of a second: one that was removed comes back.
.PHONY: installed
installed: $(STAMP)
	@uv pip install --python .venv --quiet --require-hashes --requirement requirements.lock

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
		|| { echo "error: $(PYTHON) is not Python 3.11 to 3.13; name one that is: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv .venv
	sed -n '/^uv==/,/[^\\]$$/p' requirements.lock | pip install --quiet --require-hashes --requirement /dev/stdin
	uv pip install --python .venv --quiet --require-hashes --requirement requirements.lock
	uv pip install --python .venv --quiet --no-deps --no-build-isolation --editable .
	touch $@
