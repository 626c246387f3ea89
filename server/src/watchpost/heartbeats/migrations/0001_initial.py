"""Heartbeats, their flips, and their pings clustered on (monitor, n): the last hundred of one lie together."""

import uuid
from typing import Any

import django.db.models.deletion
from django.db import migrations, models

PING = """
CREATE TABLE heartbeats_ping (
    monitor_id bigint NOT NULL REFERENCES monitors_monitor (id) ON DELETE CASCADE,
    n bigint NOT NULL,
    at bigint NOT NULL,
    sign varchar(8) NOT NULL,
    scheme varchar(10) NOT NULL,
    method varchar(10) NOT NULL,
    agent varchar(200) NOT NULL,
    address varchar(45) NOT NULL,
    run varchar(36) NOT NULL,
    exit_code smallint NULL,
    took_s {real} NULL,
    body {blob} NULL,
    PRIMARY KEY (monitor_id, n)
){suffix}
"""
TYPES = {
    "sqlite": {"real": "real", "blob": "blob", "suffix": " WITHOUT ROWID"},
    "postgresql": {"real": "double precision", "blob": "bytea", "suffix": ""},
}


def create(apps: Any, schema_editor: Any) -> None:
    schema_editor.execute(PING.format(**TYPES[schema_editor.connection.vendor]))


def drop(apps: Any, schema_editor: Any) -> None:
    schema_editor.execute("DROP TABLE heartbeats_ping")


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("monitors", "0006_remarks"),
    ]

    operations = [
        migrations.RunPython(create, drop),
        migrations.CreateModel(
            name="Ping",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "monitor_id", "n", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("monitor_id", models.BigIntegerField()),
                ("n", models.BigIntegerField()),
                ("at", models.BigIntegerField()),
                ("sign", models.CharField(max_length=8)),
                ("scheme", models.CharField(max_length=10)),
                ("method", models.CharField(max_length=10)),
                ("agent", models.CharField(max_length=200)),
                ("address", models.CharField(max_length=45)),
                ("run", models.CharField(max_length=36)),
                ("exit_code", models.SmallIntegerField(null=True)),
                ("took_s", models.FloatField(null=True)),
                ("body", models.BinaryField(null=True)),
            ],
            options={
                "db_table": "heartbeats_ping",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Flip",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.BigIntegerField()),
                ("before", models.CharField(max_length=8)),
                ("after", models.CharField(max_length=8)),
                ("why", models.CharField(blank=True, default="", max_length=8)),
                ("facts", models.JSONField()),
                ("handled", models.BooleanField(default=False)),
                (
                    "monitor",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="flips",
                        to="monitors.monitor",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["monitor", "at"], name="heartbeats__monitor_8d2f7a_idx"),
                    models.Index(
                        condition=models.Q(("handled", False)),
                        fields=["monitor", "id"],
                        name="flip_unhandled",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Heartbeat",
            fields=[
                (
                    "monitor",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="heartbeat",
                        serialize=False,
                        to="monitors.monitor",
                    ),
                ),
                ("code", models.UUIDField(default=uuid.uuid4, unique=True)),
                ("slug", models.CharField(blank=True, max_length=100)),
                ("status", models.CharField(default="new", max_length=8)),
                ("pings", models.BigIntegerField(default=0)),
                ("last_ping", models.BigIntegerField(null=True)),
                ("last_start", models.BigIntegerField(null=True)),
                ("last_run", models.CharField(blank=True, default="", max_length=36)),
                ("last_s", models.FloatField(null=True)),
                ("trouble", models.CharField(blank=True, default="", max_length=16)),
                ("sign", models.CharField(blank=True, default="", max_length=8)),
                ("exit_code", models.SmallIntegerField(null=True)),
                ("said", models.CharField(blank=True, default="", max_length=500)),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="heartbeats",
                        to="monitors.project",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["project", "slug"], name="heartbeats__project_57845d_idx")],
            },
        ),
    ]
