"""The index of what open incidents share; filled for those that are open already."""

import django.db.models.deletion
from django.db import migrations, models


def fill(apps, _schema):
    members = apps.get_model("incidents", "IncidentMember").objects.exclude(incident__state="resolved")
    shares = apps.get_model("incidents", "IncidentShare").objects
    for member in members:
        itself = {f"monitor:{member.monitor_id}", f"trouble:{member.code} {member.subject}"}
        for token in itself | set(member.shares):
            shares.get_or_create(incident_id=member.incident_id, token=token[:400])


class Migration(migrations.Migration):
    dependencies = [("incidents", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="IncidentShare",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("token", models.CharField(db_index=True, max_length=400)),
                (
                    "incident",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="shares",
                        to="incidents.incident",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("incident", "token"), name="one_share_a_token")
                ],
            },
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
