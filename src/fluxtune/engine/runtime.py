"""The process around torch: its environment, device, seeds, memory, and torch's failures as our errors."""

import errno
import gc
import logging
import os
import resource
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fluxtune.core.errors import DeviceLost, DiskFull, EngineCrashed, FluxtuneError, OutOfMemory
from fluxtune.engine.memory import Machine, can_quantize

if TYPE_CHECKING:
    import torch

# Read by the OpenMP libraries when torch is loaded. Threads that wait must sleep: two spinning threads on two busy
# cores fell from 28 to 3 images a second.
ENVIRONMENT = {
    "OMP_WAIT_POLICY": "passive",
    "KMP_BLOCKTIME": "0",
    "GOMP_SPINCOUNT": "0",
    "PYTHONHASHSEED": "0",
    "TOKENIZERS_PARALLELISM": "false",
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",  # lets CUDA be deterministic
    "PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True",
    "HF_HUB_OFFLINE": "1",  # a base is a folder; nothing is fetched behind the user's back
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "DIFFUSERS_VERBOSITY": "error",
}


SAID_ON_IMPORT = {"torchao": "Failed to load", "torch.utils._pytree": "is an Enum subclass"}

# What torch's errors say when CUDA fails; those of cuBLAS and cuDNN are mostly what became of an earlier one.
LOST = ("CUDA error", "CUDA driver", "cuDNN error", "NVIDIA driver", "No CUDA GPUs are available", "NCCL error")


def prepare_environment(argv: list[str]) -> None:
    """Start this process again with `ENVIRONMENT` set, unless it is already; torch must not be loaded yet."""
    if all(name in os.environ for name in ENVIRONMENT):
        silence_imports()
        gc.disable()  # until the libraries are there: a twelfth of the start would go into looking for garbage in them
        return
    os.execve(sys.executable, [sys.executable, "-P", "-m", "fluxtune.engine", *argv], {**ENVIRONMENT, **os.environ})  # noqa: S606


class _Silence(logging.Filter):
    """Lets everything pass but lines with a sign."""

    def __init__(self, sign: str) -> None:
        super().__init__()
        self._sign = sign

    def filter(self, record: logging.LogRecord) -> bool:
        return self._sign not in record.getMessage()


def silence_imports() -> None:
    """Keep what torchao's import says out of the log; transformers imports it unasked, and neither line is for users.

    That its compiled parts for other devices can't be loaded, and what it will have to change for a later torch.
    """
    for logger, sign in SAID_ON_IMPORT.items():
        logging.getLogger(logger).addFilter(_Silence(sign))


@dataclass(frozen=True)
class Device:
    """Where and in which number format the base runs. Adapters are always trained in 32-bit."""

    name: str
    dtype: "torch.dtype"

    @property
    def is_cuda(self) -> bool:
        """Does it run on an NVIDIA GPU?"""
        return self.name.startswith("cuda")


def choose_device(precision: str = "auto") -> Device:
    """Take the GPU if there is one, and 16-bit where the device is good at it (bf16 on a CPU is 25 times slower)."""
    import torch

    name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if precision == "auto":
        precision = "bf16" if name == "cuda" and torch.cuda.is_bf16_supported() else "fp32"
    return Device(name, torch.bfloat16 if precision == "bf16" else torch.float32)


def machine_of(device: Device) -> Machine:
    """Describe this computer for the memory plan, as the process that computes sees it."""
    import psutil
    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not device.is_cuda:
        kind: Any = "mps" if device.name.startswith("mps") else "cpu"
        return Machine(kind, psutil.virtual_memory().available, cores, 0, can_quantize=can_quantize())
    return Machine(
        device="cuda",
        memory_bytes=torch.cuda.get_device_properties(0).total_memory,
        core_count=cores,
        free_disk_bytes=0,
        can_fp8=torch.cuda.get_device_capability(0) >= (8, 9),
        can_quantize=can_quantize(),
    )


def make_deterministic(seed: int) -> None:
    """Seed torch, ask for the same result every time, and use every core once.

    The number of threads is part of the result on a CPU: sums are split by it. FLUXTUNE_THREADS sets it.
    """
    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    torch.set_num_threads(int(os.environ.get("FLUXTUNE_THREADS", 0)) or min(cores, 16))
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True, warn_only=True)
    setattr(torch.utils.deterministic, "fill_uninitialized_memory", False)  # noqa: B010 - costs time, hides nothing here
    torch.backends.cudnn.benchmark = False


def memory_bytes(device: Device) -> int:
    """Memory in use now: of the GPU's, or of this process."""
    if device.is_cuda:
        import torch

        return int(torch.cuda.memory_reserved())
    import psutil

    return int(psutil.Process().memory_info().rss)


def peak_memory_bytes(device: Device) -> int:
    """The most memory used so far: of the GPU's, or of this process."""
    if device.is_cuda:
        import torch

        return int(torch.cuda.max_memory_reserved())
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def as_fluxtune_error(error: BaseException, doing: str) -> FluxtuneError:
    """Translate a failure into an error the user can act on; `doing` says what was going on."""
    if isinstance(error, FluxtuneError):
        return error
    technical = f"{type(error).__name__}: {error}"
    if is_out_of_memory(error):
        return OutOfMemory(f"There was not enough memory while {doing}.", technical=technical)
    if is_disk_full(error):
        return DiskFull(f"There was no room left while {doing}.", technical=technical)
    if is_device_lost(error):
        return DeviceLost(f"The GPU or its driver failed while {doing}.", technical=technical)
    return EngineCrashed(f"Something failed while {doing}.", technical=technical)


def is_out_of_memory(error: BaseException) -> bool:
    """Is it one of the ways Python and torch say that memory ran out?"""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and any(
        sign in text
        for sign in ("can't allocate memory", "out of memory", "not enough memory", "bad_alloc", "STATUS_ALLOC_FAILED")
    )


def is_device_lost(error: BaseException) -> bool:
    """Is it one of the ways torch says that the GPU, its driver or this process's hold on it is gone?

    After any of CUDA's own errors but a lack of memory, everything else the process asks of the GPU fails, too.
    """
    if type(error).__name__ == "AcceleratorError":
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in LOST)


def is_disk_full(error: BaseException) -> bool:
    """Is it the system, or a library quoting it, saying that the disk or quota is full?"""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return "No space left on device" in str(error)


def quieten_libraries() -> None:
    """Silence progress bars and chatter of the libraries; their warnings still reach stderr. Ends the start."""
    import warnings
    from typing import cast

    import diffusers.utils.logging as diffusers_logging
    import transformers.utils.logging as transformers_logging

    warnings.filterwarnings("ignore", message="Already found a `peft_config`")  # several adapters are meant
    for library in (diffusers_logging, transformers_logging):
        cast(Any, library).disable_progress_bar()
        cast(Any, library).set_verbosity_error()
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
