"""Whether a file or a folder can be written, found out without writing."""

from __future__ import annotations

import os
from pathlib import Path


def why_not_writable(path: Path) -> str:
    """Empty when this process may write there; else the reason, in words that follow "because". Looks at the
    rights of the effective user and at how the file system is mounted."""
    if not path.exists():
        return "it does not exist"
    effective = os.access in os.supports_effective_ids
    needed = os.W_OK | (os.X_OK if path.is_dir() else 0)
    try:
        is_mounted_read_only = bool(os.statvfs(path).f_flag & os.ST_RDONLY)
    except (AttributeError, OSError):  # Windows has none of it
        is_mounted_read_only = False
    if is_mounted_read_only:
        return "its file system is mounted read-only"
    if not os.access(path, needed, effective_ids=effective):
        return f"the user of this process (uid {os.geteuid()}) may not write there"
    return ""
