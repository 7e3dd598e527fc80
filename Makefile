# Each target sets up .venv by itself: nothing has to be exported or activated.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
unexport PYTHONDONTWRITEBYTECODE PYTHONPATH  # without bytecode, each of a hundred starts costs two to three times as much

CORES ?= $(or $(ZDL_CORES),all)
VENV := $(or $(ZDL_VENV),.venv)
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.PHONY: help run repro check unchanged pull comment trial best report experiments test soak everywhere
.PHONY: test-remotes test-slurm lint bench compare lock review prune clean

help:  ## list these targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# The first of these that runs and is 3.11, 3.12 or 3.13 (a version manager's stand-in may be found, and not run).
.venv/ready: requirements.lock
.venv-beyond/ready: requirements-beyond.lock  # what only clusters and remotes need, and their tests
.venv/ready .venv-beyond/ready: pyproject.toml
	@for python in $(or $(PYTHON),python3.13 python3.12 python3.11 python3); do \
	  if "$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2> /dev/null; then \
	    echo "setting up $(@D) with $$("$$python" --version): a minute or two"; \
	    exec "$$python" -m venv --clear $(@D); \
	  fi; \
	done; echo "make: no Python 3.11, 3.12 or 3.13 found; name one: make PYTHON=/path/to/python3" >&2; exit 1
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(filter %.lock,$^)
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index --editable .
	@touch $@

run: $(VENV)/ready  ## the whole search, on all cores (CORES=2: on two), to reports/
	snakemake --cores $(CORES)
	@python workflow/scripts/best.py 5

repro: $(VENV)/ready  ## the same by DVC, recorded in dvc.lock
	@ZDL_CORES=$(CORES) python workflow/scripts/repro.py

check: $(VENV)/ready  ## are reports/ and dvc.lock what params.yaml and the code give? (FULL=1: by training it all)
	@ZDL_CORES=$(CORES) python workflow/scripts/check.py $(if $(filter-out 0,$(FULL)),--full)

unchanged:  ## fails, with the difference, if a file is not as it is in the last commit
	@git --no-pager diff --exit-code HEAD
	@test -z "$$(git status --porcelain reports | tee /dev/stderr)"

pull: $(VENV)/ready  ## what DVC's remote has of this search, if there is a remote
	@python workflow/scripts/pull.py

comment:  ## review/review.md as the one comment on pull request PR=7 (needs gh, and neither .venv nor a run)
	@python3 .github/scripts/comment.py $(PR)

trial: $(VENV)/ready  ## train one trial, C=7, and print what the book prints as it goes
	@: $${C:?which one? make trial C=7}
	@snakemake --quiet all --cores 1 ready
	@python workflow/scripts/trial.py --verbose $(C)

best: $(VENV)/ready  ## all trials of the last report, best first, in the book's words
	@python workflow/scripts/best.py

# Of the times, those that are 0 (of trials that another trial's process trained) have no place on a log scale.
report: run  ## all results with captions, the graph and the times, in one file to pass on: report.html
	@snakemake --quiet all --report report.html
	@sed -i.log 's/"scale": {"type": "log"}/"scale": {"type": "linear"}/' report.html && rm report.html.log
	@echo "report.html: open it in a browser (it needs no network)"

# Of some fifty columns, those by which experiments are told apart and compared.
experiments: $(VENV)/ready  ## DVC's experiments: what each changed, found, and what survived of that
	@dvc exp show --no-pager --only-changed --precision 3 --hide-workspace \
	  --drop '.*(/|held_out_|_sd|luck|final|train_acc|trial$$|above)|Created|params.yaml|top|best.(lr|weight)'

# One by one to whichever process is free: a few tests take a minute, most of them no time.
test: $(VENV)/ready  ## all tests
	pytest --numprocesses auto --maxschedchunk 1

# These two run what only remotes and clusters need, and so in an environment of its own.
test-remotes test-slurm: export PATH := $(CURDIR)/.venv-beyond/bin:$(PATH)
# The commands $(1) are there, or come with Debian's packages $(2).
DEBIAN = @type $(1) &> /dev/null || { \
  echo "installing $(2)"; \
  { apt-get update && apt-get install --yes --no-install-recommends $(2); } &> /dev/null; \
} || { echo "make $@: needs $(2); as root: apt-get install $(2)" >&2; exit 1; }

# Two processes, one for each kind of server.
test-remotes: .venv-beyond/ready  ## results shared by SSH and S3, with servers on this machine (as root, it installs sshd)
	$(call DEBIAN,/usr/sbin/sshd,openssh-server)
	pytest --numprocesses 2 --dist loadscope tests/remotes

test-slurm: .venv-beyond/ready  ## the search on a real Slurm of three nodes (as root, it installs Debian's)
	$(call DEBIAN,slurmctld slurmd munged,slurm-wlm munge)
	timeout --foreground --signal=INT --kill-after=60 1800 pytest -s tests/slurm

MINUTES ?= 60
SEED ?= $(shell echo $$RANDOM)

soak: $(VENV)/ready  ## edits, damage and kills at random, for MINUTES=60; SEED= repeats one
	python -m tests.soak --minutes $(MINUTES) --seed $(SEED)

everywhere: $(VENV)/ready  ## the full search in many environments, each compared with what is committed
	python -m tests.everywhere

lint: $(VENV)/ready  ## ruff, snakefmt, the workflows, mypy, snakemake --lint
	ruff check
	ruff format --check
	snakefmt --check Snakefile workflow
	check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	zizmor --quiet --offline --no-progress .github/workflows
	mypy
	pytest --quiet tests/workflow/test_lint.py

bench: $(VENV)/ready  ## the benchmarks, an hour at most; ratios where they can be (bench/README.md)
	python bench/trial.py
	python bench/search.py
	python bench/growth.py
	python bench/kernels.py

compare: $(VENV)/ready  ## the four search methods at equal budgets, an hour or two, to docs/comparison/
	python bench/compare.py

LOCKED = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
  --no-header --no-annotate pyproject.toml

lock: $(VENV)/ready  ## requirements.lock and requirements-beyond.lock anew from pyproject.toml (needs uv)
	$(LOCKED) --extra dev --output-file requirements.lock
	$(LOCKED) --extra dev --extra beyond --constraint requirements.lock --output-file requirements-beyond.lock

BASE ?= main

review: $(VENV)/ready  ## what changed since BASE=main (HEAD=: up to there), to standard output and review/
	@python workflow/scripts/review.py $(BASE) $(HEAD) $(if $(RAW),--raw $(RAW))

prune: $(VENV)/ready  ## delete the stored records of other searches than today's
	python workflow/scripts/prune.py

clean:  ## delete what the pipeline made here, but for reports/ and the store of records
	rm -rf data results logs benchmarks .snakemake report.html review
