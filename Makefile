# Every target makes .venv from requirements.lock first if it is missing or out of date.
PYTHON ?= python3
STUDY ?= report
STAMP := .venv/.installed
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

.PHONY: quick
quick: $(STAMP) ## every table and figure from few real images, in minutes on two CPU cores
	snakemake --cores all --resources gpu=1 --config study=quick

.PHONY: published
published: $(STAMP) ## the published experiments repeated, five seeds each: days on two CPU cores
	snakemake --cores all --resources gpu=1 --config study=published

.PHONY: report
report: $(STAMP) ## the whole report, under its own protocol: hours on a GPU
	snakemake --cores all --resources gpu=1

.PHONY: baseline
baseline: $(STAMP) ## a small network under a recipe of today, five seeds: ten minutes each on two CPU cores
	snakemake --cores all --resources gpu=1 --config study=baseline

.PHONY: page
page: $(STAMP) ## the answer so far, of the finished runs, also while others run: make page STUDY=published
	nice snakemake --cores all --config study=$(STUDY) partial=True

.PHONY: status
status: $(STAMP) ## which runs of $(STUDY) are stale and why, what training them takes: make status STUDY=published
	snakemake --cores all --resources gpu=1 --dry-run --quiet --config study=$(STUDY)

.PHONY: compare
compare: $(STAMP) ## check results/$(STUDY) against docs/reference: make compare STUDY=published
	python -m fashion.reference.compare --own results/$(STUDY) --reference docs/reference/$(STUDY)

.PHONY: publish
publish: $(STAMP) ## put what is small and lasting of results/$(STUDY) into docs/reference, and its answer into README.md
	python -m fashion.reference.publish --study $(STUDY)
	python -m fashion.reference.answer

.PHONY: answer
answer: $(STAMP) ## write README.md's answer from docs/reference
	python -m fashion.reference.answer

.PHONY: test
test: $(STAMP) ## unit tests, then whole pipelines on a tiny dataset
	pytest

.PHONY: lowest
lowest: $(STAMP) ## the lowest Snakemake that is allowed makes a page, and recovers from kill -9, too
	uv venv --quiet --clear .venv/lowest
	uv pip install --quiet --python .venv/lowest --require-hashes --requirement requirements.lock
	uv pip install --quiet --python .venv/lowest "snakemake==$$(sed -n 's/^min_version("\(.*\)")/\1.0/p' Snakefile)"
	.venv/lowest/bin/pytest --numprocesses 0 -k "ones_own or kill_9" tests/pipeline/test_own_report.py tests/pipeline/test_interrupt.py

.PHONY: gpu-check
gpu-check: $(STAMP) ## whoever has a GPU, first: does the CUDA code do there what it should? In five minutes
	python benchmarks/gpu_check.py

.PHONY: lint
lint: $(STAMP) ## ruff, ty, snakefmt and snakemake --lint
	ruff check .
	ruff format --check .
	ty check src
	snakefmt --check Snakefile workflow
	snakemake --lint

.PHONY: lock
lock: $(STAMP) ## resolve pyproject.toml's ranges into requirements.lock again
	uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --upgrade \
		--generate-hashes --no-emit-index-url --no-annotate --no-header --quiet --output-file requirements.lock

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
		|| { echo "error: $(PYTHON) is not Python 3.11 to 3.13; name one that is: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv .venv
	pip install --quiet --require-hashes --requirement requirements.lock
	pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@
