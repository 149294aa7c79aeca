"""The process around torch: what is silenced, and what failures are called."""

import logging
from collections.abc import Iterator

import pytest
import torch

from fluxtune.core.errors import DeviceLost, EngineCrashed, OutOfMemory
from fluxtune.engine.runtime import SAID_ON_IMPORT, as_fluxtune_error, silence_imports


@pytest.fixture
def _filters() -> Iterator[None]:
    kept = {name: list(logging.getLogger(name).filters) for name in SAID_ON_IMPORT}
    yield
    for name, filters in kept.items():
        logging.getLogger(name).filters = filters


@pytest.mark.usefixtures("_filters")
def test_only_what_torchaos_import_says_is_silenced(caplog: pytest.LogCaptureFixture) -> None:
    silence_imports()
    torchao, trees = (logging.getLogger(name) for name in ("torchao", "torch.utils._pytree"))
    for logger, said in (
        (torchao, "Failed to load /x/_C_mxfp8.so: Could not load this library"),
        (torchao, "int8 weights are broken"),
        (trees, "<enum 'KernelPreference'> is an Enum subclass and is now natively supported"),
        (trees, "something else about trees"),
    ):
        logger.propagate = True
        logger.addHandler(caplog.handler)
        logger.warning(said)
        logger.removeHandler(caplog.handler)
    assert set(caplog.messages) == {"int8 weights are broken", "something else about trees"}


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (RuntimeError("CUDA error: unspecified launch failure"), DeviceLost),
        (torch.AcceleratorError("CUDA error: an illegal memory access was encountered"), DeviceLost),
        (RuntimeError("No CUDA GPUs are available"), DeviceLost),
        (RuntimeError("CUDA error: out of memory"), OutOfMemory),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)"), OutOfMemory),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), EngineCrashed),
        (ValueError("CUDA error"), EngineCrashed),
    ],
)
def test_failures_have_names(failure: Exception, kind: type) -> None:
    assert type(as_fluxtune_error(failure, "training")) is kind
