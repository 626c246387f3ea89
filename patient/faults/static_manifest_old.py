"""Static files were collected with --clear, and gunicorn was not restarted: it has the old manifest.

Pages answer 200 and name stylesheets and scripts that are gone.
Watchpost names it: static.not_collected.
"""

from patient.stand import Stand

CODES = ("static.not_collected", "static.stale", "static.restart_needed")
RUNS = ("light", "full")
_STORAGE = {"STORAGES.staticfiles.BACKEND": "patient.wedge.manifests.OldManifestStorage"}


def break_(shop: Stand) -> None:
    shop.change("static_manifest_old", settings=_STORAGE)


def heal(shop: Stand) -> None:
    shop.restore("static_manifest_old")
