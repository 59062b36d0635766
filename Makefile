# `make` checks everything. Every target that needs Python makes .venv by itself; PYTHON=... chooses the interpreter.
# pip's own settings (PIP_INDEX_URL, pip.conf) decide where packages come from.

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-compile -c constraints.txt
LIGHT := $(VENV)/.installed-light
DEV := $(VENV)/.installed-dev
DECLARED := pyproject.toml constraints.txt

.DEFAULT_GOAL := all
.PHONY: all install install-light demo test lint types format gallery eval clean \
	bench-hostile bench-callbacks bench-kill bench-gate bench-retrieval bench-ingest bench-following bench-library bench-api \
	bench-peers bench-growth bench-ablation

all: test

# -- environment

install: $(DEV)
install-light: $(LIGHT)

# The suffix keeps the venv from being made anew whenever its folder changes.
$(BIN)/python:
	@chosen=""; \
	for candidate in $(or $(PYTHON),python3.14 python3.13 python3.12 python3.11 python3); do \
		if $$candidate -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' >/dev/null 2>&1; then \
			chosen=$$candidate; break; \
		fi; \
	done; \
	if [ -z "$$chosen" ]; then \
		echo "wainao needs Python 3.11 to 3.14; found only: $$($(or $(PYTHON),python3) --version 2>&1)." >&2; \
		echo "Install one, or name it: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; exit 1; \
	fi; \
	if ! $$chosen -c 'import venv, ensurepip' >/dev/null 2>&1; then \
		echo "$$chosen has no venv module. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; \
	fi; \
	echo "Making $(VENV) with $$chosen"; \
	$$chosen -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(LIGHT): $(DECLARED) | $(BIN)/python
	@echo "Installing wainao (light: without torch); this takes about a minute"
	@$(PIP_INSTALL) -e .
	@touch $@

$(DEV): $(DECLARED) | $(BIN)/python
	@echo "Installing wainao with its tools for development"
	@$(PIP_INSTALL) -e '.[dev]'
	@touch $(LIGHT) $@

# -- run

demo: $(LIGHT)
	@$(BIN)/wainao demo

# -- check

test: lint types
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(DEV)
	$(BIN)/mypy

format: $(DEV)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# -- the embedder that is shipped; words are counted in WORDS, whatever of it is there

WORDS ?= $(wildcard ../shared/data/benchmarks/stard-statutes/corpus.jsonl)
embedder: $(LIGHT)
	$(BIN)/python -m knowledge.retrieval.embedder.making --texts $(WORDS)

# -- show

gallery: $(LIGHT)
	$(BIN)/wainao eval gallery --out docs/gallery.md

# -- measure

eval: $(LIGHT)
	$(BIN)/wainao eval selftest
	$(BIN)/wainao eval run
	$(BIN)/wainao eval gate

bench-hostile: $(DEV)
	$(BIN)/python -m tests.hostile.run

bench-callbacks: $(DEV)
	$(BIN)/python -m tests.load.callbacks

bench-kill: $(DEV)
	$(BIN)/python -m tests.load.kills

bench-gate: $(DEV)
	$(BIN)/python -m tests.load.gate_speed

EXAMPLES ?= 30
bench-api: $(DEV)
	$(BIN)/python -m tests.load.api_fuzz --examples $(EXAMPLES)

CORPUS ?= ../shared/data/benchmarks/cathay-bank-faq
bench-retrieval: $(LIGHT)
	$(BIN)/wainao eval retrieval --corpus $(CORPUS)/corpus.jsonl --queries $(CORPUS)/queries.dev.jsonl \
		--qrels $(CORPUS)/qrels.dev.tsv --no-aliases --json
	$(BIN)/wainao eval retrieval --corpus $(CORPUS)/corpus.jsonl --queries $(CORPUS)/queries.dev.jsonl \
		--qrels $(CORPUS)/qrels.dev.tsv --aliases --json

DOCUMENTS ?= ../shared/data/documents ../shared/data/regulations
PEERS := .peers
bench-following: $(DEV)
	$(BIN)/python -m tests.load.following

bench-library: $(DEV)
	$(BIN)/python -m tests.load.library

bench-ingest: $(DEV)
	@[ -d $(PEERS)/langchain_community ] || $(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt \
		--target $(PEERS) langchain-community langchain-text-splitters langchain-chroma pypdf docx2txt beautifulsoup4 chardet
	$(BIN)/python -m tests.load.ingest_speed $(DOCUMENTS) --peers $(PEERS)

# One folder a peer, so that none decides another's versions; one that cannot be installed is a row that says so.
SEARCH_PEERS := .peers-search
DATA ?= ../shared/data
ASKED ?= 200
bench-peers: $(DEV)
	@mkdir -p $(SEARCH_PEERS); install() { \
		[ -e $(SEARCH_PEERS)/$$1.installed ] && return; group=$$1; shift; \
		$(BIN)/python -m pip install -qq --disable-pip-version-check --no-compile -c constraints.txt \
			--target $(SEARCH_PEERS)/$$group "$$@" >$(SEARCH_PEERS)/$$group.log 2>&1 \
			&& touch $(SEARCH_PEERS)/$$group.installed || echo "$$group: not installed, see $(SEARCH_PEERS)/$$group.log"; }; \
	install words bm25s jieba; \
	install langchain langchain-community langchain-classic langchain-chroma rank-bm25 jieba; \
	install llamaindex llama-index-core llama-index-retrievers-bm25 jieba; \
	install haystack haystack-ai jieba; \
	install txtai torch==2.13.0 txtai jieba
	$(BIN)/python -m tests.load.peers --data $(DATA) --packages $(SEARCH_PEERS) --asked $(ASKED)

bench-growth: $(DEV)
	$(BIN)/python -m tests.load.growth

bench-ablation: $(DEV)
	$(BIN)/python -m tests.load.ablation --data $(DATA)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
