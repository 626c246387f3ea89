"""A manifest as a process has it that was not restarted after collectstatic."""

from __future__ import annotations

import re

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage


class OldManifestStorage(ManifestStaticFilesStorage):
    """It names every file by another hash than the one that lies on the disk now."""

    def load_manifest(self) -> tuple[dict[str, str], str]:
        names, whole = super().load_manifest()
        return {name: _before(hashed) for name, hashed in names.items()}, whole


def _before(hashed: str) -> str:
    """The hash is the last but one part of the name, twelve digits."""
    return re.sub(r"(?<=\.)[0-9a-f]{12}(?=\.[^.]*$)", lambda found: found[0][::-1], hashed)
