"""How busy the device is, cheaply enough to be asked at every step. No torch here."""

import contextlib
from functools import lru_cache
from typing import Any

import psutil

from fluxtune.engine.runtime import Device


def device_load(device: Device) -> float | None:
    """Return the load of the device since the last call, 0 to 1, or None where it can't be told.

    Of a GPU as NVIDIA's driver says it (where its Python package is installed), of a CPU over all cores.
    """
    if device.name == "cpu":
        return float(psutil.cpu_percent()) / 100
    handle = _nvidia(device.name)
    if handle is None:
        return None
    library, card = handle
    with contextlib.suppress(Exception):  # a driver that is being updated is no reason to end a run
        return float(library.nvmlDeviceGetUtilizationRates(card).gpu) / 100
    return None


@lru_cache(maxsize=1)
def _nvidia(name: str) -> tuple[Any, Any] | None:
    """Open the driver's library for the GPU that torch uses first."""
    if not name.startswith("cuda"):
        return None
    try:
        import pynvml
        import torch

        pynvml.nvmlInit()
        identity = f"GPU-{torch.cuda.get_device_properties(0).uuid}"
        return pynvml, pynvml.nvmlDeviceGetHandleByUUID(identity)
    except Exception:
        return None
