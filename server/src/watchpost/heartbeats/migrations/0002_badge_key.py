"""Every heartbeat has a badge. Made in three steps: a default would give all that exist the same key."""

import uuid

from django.db import migrations, models


def give_keys(apps, schema_editor):
    for row in apps.get_model("heartbeats", "Heartbeat").objects.filter(badge_key=None).only("pk"):
        row.badge_key = uuid.uuid4()
        row.save(update_fields=["badge_key"])


class Migration(migrations.Migration):
    atomic = False  # PostgreSQL refuses to change a table with rows written in the same transaction

    dependencies = [("heartbeats", "0001_initial")]

    operations = [
        migrations.AddField("heartbeat", "badge_key", models.UUIDField(null=True)),
        migrations.RunPython(give_keys, migrations.RunPython.noop),
        migrations.AlterField("heartbeat", "badge_key", models.UUIDField(default=uuid.uuid4, unique=True)),
    ]
