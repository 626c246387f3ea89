"""Fills a data folder with monitors and channels the way people do: through ``monitors.edit``.

A process of its own, because Django is set up once per process: reads
``{"projects": {slug: [monitor spec, ...]}, "channels": [spec, ...]}`` and prints ``{slug/name: id}``.
"""

from __future__ import annotations

import json
import os
import sys


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "watchpost.config.settings"
    import django

    django.setup()
    from django.db import transaction

    from watchpost import clock
    from watchpost.config.install import prepare_database
    from watchpost.monitors import edit

    prepare_database()
    wanted, ids = json.load(sys.stdin), {}
    with transaction.atomic():
        for channel in wanted.get("channels", ()):
            edit.create_channel(channel, clock.now())
        for slug, monitors in wanted.get("projects", {}).items():
            project = edit.create_project(slug, clock.now(), slug)
            for spec in monitors:
                ids[f"{slug}/{spec['name']}"] = edit.create_monitor(project, spec, clock.now()).pk
    json.dump(ids, sys.stdout)


if __name__ == "__main__":
    main()
