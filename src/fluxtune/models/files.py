"""Files of models on disk."""

import os
import shutil
from pathlib import Path


def copy_atomically(source: Path, target: Path) -> None:
    """Copy a file so that the target is there whole, or not at all; folders are made."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(target.name + ".part")
    try:
        shutil.copyfile(source, draft)
        os.replace(draft, target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
