"""What a worker's process owes the others on its computer."""

import os

_NICENESS = 10
"""As `nice` has it by default."""


def give_way() -> None:
    """Let who clicks go first where a processor is wanted by more; what this process starts can wait as well."""
    if hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, 0, max(_NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))
