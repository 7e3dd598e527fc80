# Each target sets up .venv itself: there is nothing to export or activate.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
unexport PYTHONDONTWRITEBYTECODE PYTHONPATH  # without bytecode, each start of Python takes two to three times as long

CORES ?= $(or $(ZDL_CORES),all)
VENV := $(or $(ZDL_VENV),.venv)
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.PHONY: help about run repro check unchanged pull comment trial best report explore experiments new example test soak everywhere
.PHONY: test-remotes test-slurm lint bench compare lock review schema prune clean always

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { line = sprintf("%-13s", $$1); count = split($$2, words, " "); \
	  for (i = 1; i <= count; i++) { \
	    if (length(line " " words[i]) > 80) { print line; line = sprintf("%-13s", "") } \
	    line = line " " words[i] } \
	  print line }' $(MAKEFILE_LIST)

# A digest of what an environment is made from: the interpreter, the environment's path (scripts in it contain that
# path) and the packages.
define DIGEST
import hashlib, os, sys
assert (3, 11) <= sys.version_info[:2] <= (3, 13)
files = [open(name, encoding="utf-8").read() for name in sys.argv[2:]]
parts = sys.version, sys.base_prefix, os.path.realpath(sys.argv[1]), *files
print(hashlib.sha256(repr(parts).encode()).hexdigest())
endef
export DIGEST

# `ready` holds that digest and is written last: an environment is made again if it was made from anything else or was
# never completed. If its own interpreter gives another digest or none, the first other one that runs and is 3.11, 3.12
# or 3.13 makes it. (A version manager's shim may exist without running.)
.venv/ready: requirements.lock
.venv-beyond/ready: requirements-beyond.lock  # with the packages for clusters and remotes, and for their tests
.venv/ready .venv-beyond/ready: pyproject.toml always
	@for python in $(or $(PYTHON),$(@D)/bin/python python3.13 python3.12 python3.11 python3); do \
	  digest=$$("$$python" -c "$$DIGEST" $(@D) $(filter-out always,$^) 2> /dev/null) || continue; \
	  if [ "$$digest" = "$$(cat $@ 2> /dev/null)" ] && $(@D)/bin/python -c '' 2> /dev/null; then exit 0; fi; \
	  if [ "$$python" = $(@D)/bin/python ]; then continue; fi; \
	  echo "setting up $(@D) with $$("$$python" --version): a minute or two"; \
	  rm -f $@ && "$$python" -m venv --clear $(@D) \
	  && "$$python" workflow/install.py $(@D) $(filter %.lock,$^) \
	  && echo "$$digest" > $@; exit; \
	done; echo "make: no Python 3.11, 3.12 or 3.13 found; name one: make PYTHON=/path/to/python3" >&2; exit 1

run: $(VENV)/ready  ## run the whole search on all cores (CORES=2: on two) and write reports/
	snakemake --cores $(CORES)
	@python workflow/scripts/best.py 5

repro: $(VENV)/ready  ## run it with DVC and record it in dvc.lock
	@ZDL_CORES=$(CORES) python workflow/scripts/repro.py

check: $(VENV)/ready  ## check that reports/ and dvc.lock match params.yaml and the code (FULL=1: train everything again)
	@ZDL_CORES=$(CORES) python workflow/scripts/check.py $(if $(filter-out 0,$(FULL)),--full)

about: $(VENV)/ready  ## print the versions of what numbers depend on, for a report of a problem
	@python workflow/scripts/about.py

unchanged:  ## fail and show the difference if a file differs from the last commit
	@git rev-parse --git-dir > /dev/null  # outside of a repository, `git diff` compares any two files
	@git --no-pager diff --exit-code HEAD
	@changed=$$(git status --porcelain reports | tee /dev/stderr); test -z "$$changed"

pull: $(VENV)/ready  ## download this search's results from DVC's remote, if there is one
	@python workflow/scripts/pull.py

comment:  ## post review/review.md as the comment on pull request PR=7 (needs GH_TOKEN, but no .venv and no run)
	@python3 .github/scripts/comment.py $(PR)

trial: $(VENV)/ready  ## train one trial, C=7, and print the book's lines
	@: $${C:?which one? make trial C=7}
	@snakemake --quiet all --cores 1 ready
	@python workflow/scripts/trial.py --verbose $(C)

best: $(VENV)/ready  ## print all trials of the last report, best first, in the book's format
	@python workflow/scripts/best.py

# Some trials take 0 seconds (another trial's process trained them), which a log scale cannot show.
report: run  ## write all results with captions, the graph and the times to one file, report.html
	@snakemake --quiet all --report report.html
	@sed -i.log 's/"scale": {"type": "log"}/"scale": {"type": "linear"}/' report.html && rm report.html.log
	@echo "report.html: open it in a browser (it needs no network)"

explore: $(VENV)/ready  ## write a page with every trial to select, sort and look at, explore.html
	@python workflow/scripts/explore.py

new: $(VENV)/ready  ## begin a problem of your own, problems/NAME.py: make new NAME=mine
	@: $${NAME:?which one? make new NAME=mine}
	@python workflow/scripts/new.py new $(NAME)

example: $(VENV)/ready  ## run a problem of examples/ in a copy of this project: make example NAME=torch_csv
	@: $${NAME:?which one? make example NAME=torch_csv}
	@python workflow/scripts/new.py example $(NAME)

experiments: $(VENV)/ready  ## list DVC's experiments: what each changed and how it scored
	@python workflow/scripts/experiments.py

# Hand out tests one by one: a few take a minute, most take almost no time.
test: $(VENV)/ready  ## run all tests: 8 minutes on two fast cores; the slow ones come first
	@sed -n 's/^test:.*## //p' $(MAKEFILE_LIST)
	pytest --numprocesses auto --maxschedchunk 1

# These two need packages for remotes and clusters, so they have an environment of their own.
test-remotes test-slurm: export PATH := $(CURDIR)/.venv-beyond/bin:$(PATH)
# Install Debian's packages $(2) unless the commands $(1) exist.
DEBIAN = @type $(1) &> /dev/null || { \
  echo "installing $(2)"; \
  said=$$({ apt-get update && apt-get install --yes --no-install-recommends $(2); } 2>&1) \
  || { echo "make $@: needs $(2); as root: apt-get install $(2) ($$(tail -n 1 <<< "$$said"))" >&2; exit 1; }; \
}

# Two processes: one per kind of server.
test-remotes: .venv-beyond/ready  ## test sharing by SSH and S3, with servers on this machine (installs sshd as root)
	$(call DEBIAN,/usr/sbin/sshd,openssh-server)
	pytest --numprocesses 2 --dist loadscope tests/remotes

test-slurm: .venv-beyond/ready  ## test the search on a real Slurm of three nodes (installs Debian's Slurm as root)
	$(call DEBIAN,slurmctld slurmd munged,slurm-wlm munge)
	timeout --foreground --signal=INT --kill-after=60 1800 pytest -s tests/slurm

MINUTES ?= 60
SEED ?= $(shell echo $$RANDOM)

soak: $(VENV)/ready  ## test with random edits, damage and kills for MINUTES=60 (SEED= replays a run)
	python -m tests.soak --minutes $(MINUTES) --seed $(SEED)

everywhere: $(VENV)/ready  ## run the full search in many environments and compare each with the commit
	python -m tests.everywhere

lint: $(VENV)/ready  ## run the linters: ruff, snakefmt, the workflows', mypy, snakemake --lint
	ruff check
	ruff format --check
	snakefmt --check Snakefile workflow
	check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	check-jsonschema --builtin-schema vendor.citation-file-format CITATION.cff
	zizmor --quiet --offline --no-progress .github/workflows
	mypy
	lint-imports --no-cache | tail -4
	pytest --quiet tests/workflow/test_lint.py

bench: $(VENV)/ready  ## run the benchmarks, an hour at most (bench/README.md)
	python bench/trial.py
	python bench/search.py
	python bench/timeline.py
	python bench/growth.py
	python bench/kernels.py

compare: $(VENV)/ready  ## compare the search methods, an hour or two, and write docs/comparison/
	python bench/compare.py

LOCKED = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
  --no-header --no-annotate

lock: $(VENV)/ready  ## update requirements*.lock from pyproject.toml (needs uv)
	$(LOCKED) pyproject.toml --extra dev --output-file requirements.lock
	$(LOCKED) pyproject.toml --extra dev --extra beyond --constraint requirements.lock \
	  --output-file requirements-beyond.lock
	$(LOCKED) - --output-file requirements-uv.lock <<< uv

BASE ?= main

review: $(VENV)/ready  ## show what changed since BASE=main (up to HEAD=, if given), and write it to review/
	@python workflow/scripts/review.py $(BASE) $(HEAD) $(if $(RAW),--raw $(RAW))

schema: $(VENV)/ready  ## write workflow/schemas/params.schema.yaml from the models of params.yaml in src/zdl/config
	@python workflow/scripts/schema.py

prune: $(VENV)/ready  ## delete the cached records of all searches but the current one
	python workflow/scripts/prune.py

clean:  ## delete what the pipeline made here, except reports/ and the cache of records
	rm -rf data results logs benchmarks .snakemake report.html explore.html review
