"""Healthchecks, in the cloud or self-hosted: its management API, or its database."""

from __future__ import annotations

from watchpost.importers import Importer
from watchpost.importers.healthchecks.asking import fetch
from watchpost.importers.healthchecks.database import read

IMPORTER = Importer("Healthchecks", fetch, read)
