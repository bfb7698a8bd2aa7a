# make env | repro | test | lint | docs | lock      (README, "Two commands")
PYTHON ?= python3
# torch is not in the lock: this exact version by default; for another build: make env TORCH=...
TORCH ?= torch==2.13.0
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PYTHONUNBUFFERED := 1
# empty: what is compiled at its first import is kept. Else each of a pipeline's 30 processes compiles it anew, for 3 s
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help env repro to-commit test test-all bench lint docs lock clean
help:
	@echo "make env       environment in $(VENV)"
	@echo "make repro     environment, the whole pipeline on the synthetic corpus, the results table"
	@echo "make test      environment, lint, types, tests"
	@echo "make test-all  the same with the slow tests"
	@echo "make bench     speed beside the peers, into docs/performance.md (five minutes on two idle cores)"
	@echo "make docs      the documentation in site/, from docs/ and the docstrings; warnings are errors"
	@echo "make lock      write requirements.lock anew from pyproject.toml (needs uv)"

env: $(READY)

# not compiled at installation: most of it is never imported
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if (3, 11) <= v < (3, 14) else "MotionBeat needs Python 3.11-3.13, this is %d.%d: make env PYTHON=python3.11" % v[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --no-compile --quiet --disable-pip-version-check "$(TORCH)"
	$(BIN)/python -m pip install --no-compile --quiet --disable-pip-version-check --no-deps --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --no-compile --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	# librosa is compiled by numba at the first call and kept: two processes that do so at once can crash each other
	@$(BIN)/python -c 'import librosa, numpy as np; y = np.random.default_rng(0).normal(size=44100); librosa.onset.onset_detect(y=y); librosa.beat.beat_track(y=y)'
	@touch $(READY)

repro: env
	$(BIN)/dvc repro
	@$(BIN)/python -m motionbeat.lab.results
	@$(MAKE) --silent to-commit

to-commit:
	@test -z "$$(git status --porcelain -- params.yaml dvc.lock metrics 2>/dev/null)" || \
	  echo "\nKeep this state before you try anything: git add params.yaml dvc.lock metrics && git commit -m Baseline"

lint: env
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

test: lint
	$(BIN)/python -m pytest -n 2 -m "not slow"

test-all: lint
	$(BIN)/python -m pytest -n 2

bench: env
	$(BIN)/python -m benchmarks.bench

$(VENV)/.ready-docs: docs/requirements.lock $(READY)
	$(BIN)/python -m pip install --no-compile --quiet --disable-pip-version-check --no-deps --require-hashes --requirement docs/requirements.lock
	@touch $@

# runs the tutorial; the variables silence remarks of the theme's makers and of tqdm
docs: $(VENV)/.ready-docs
	NO_MKDOCS_2_WARNING=1 PYTHONWARNINGS="ignore:IProgress not found" $(BIN)/python -m mkdocs build --strict --clean
	@echo "site/index.html: open it in a browser"

# torch is chosen apart; musicnn asks for TensorFlow and an old numpy, of which only its model files here need nothing
lock:
	@printf 'torch ; sys_platform == "never"\ntensorflow ; python_version < "3"\nnumpy>=1.26\n' > .lock-override
	@printf 'musicnn>=0.1\n' > .lock-also.in
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --no-emit-package torch --override .lock-override --extra pipeline --extra video --extra demo --extra cluster --extra hub --extra onnx --extra dev pyproject.toml .lock-also.in \
	  --output-file requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --no-emit-package torch --override .lock-override --constraint requirements.lock --extra docs pyproject.toml \
	  --output-file docs/requirements.lock
	@rm .lock-override .lock-also.in

clean:
	rm -rf site data/code data/corpus data/beats data/tokens data/negatives data/standins data/features data/report models logs .cache
