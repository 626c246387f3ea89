"""Numbers of the parts of a monitor (inner health checks), a row for each quarter of an hour.

The key begins with the time, so that what is too old goes by one range, and a day is read by another.
"""

from typing import Any

from django.db import migrations, models

VALUE = """
CREATE TABLE monitors_value (
    monitor_id bigint NOT NULL,
    start bigint NOT NULL,
    location varchar(30) NOT NULL,
    part varchar(60) NOT NULL,
    n integer NOT NULL,
    low {real} NOT NULL,
    high {real} NOT NULL,
    total {real} NOT NULL,
    last {real} NOT NULL,
    PRIMARY KEY (monitor_id, start, location, part)
){suffix}
"""
TYPES = {
    "sqlite": {"real": "real", "suffix": " WITHOUT ROWID"},
    "postgresql": {"real": "double precision", "suffix": ""},
}


def create(apps: Any, schema_editor: Any) -> None:
    schema_editor.execute(VALUE.format(**TYPES[schema_editor.connection.vendor]))


def drop(apps: Any, schema_editor: Any) -> None:
    schema_editor.execute("DROP TABLE monitors_value")


class Migration(migrations.Migration):
    dependencies = [("monitors", "0004_recurring_windows")]
    operations = [
        migrations.RunPython(create, drop),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="Value",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "monitor_id",
                                "start",
                                "location",
                                "part",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("monitor_id", models.BigIntegerField()),
                        ("start", models.BigIntegerField()),
                        ("location", models.CharField(max_length=30)),
                        ("part", models.CharField(max_length=60)),
                        ("n", models.IntegerField()),
                        ("low", models.FloatField()),
                        ("high", models.FloatField()),
                        ("total", models.FloatField()),
                        ("last", models.FloatField()),
                    ],
                    options={"db_table": "monitors_value", "managed": False},
                ),
            ]
        ),
    ]
