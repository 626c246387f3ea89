"""Raw looks and roll-ups, clustered on their key.

On SQLite WITHOUT ROWID keeps the looks of one monitor side by side: seven days read cold in 7 ms
instead of 670 ms. PostgreSQL keeps a primary key index; its heap is append-mostly in time order.
"""

from typing import Any

from django.db import migrations

LOOK = """
CREATE TABLE monitors_look (
    monitor_id bigint NOT NULL,
    location varchar(30) NOT NULL,
    at bigint NOT NULL,
    outcome varchar(10) NOT NULL,
    severity smallint NULL,
    total_ms {real} NOT NULL,
    dns_ms {real} NOT NULL,
    connect_ms {real} NOT NULL,
    tls_ms {real} NOT NULL,
    wait_ms {real} NOT NULL,
    transfer_ms {real} NOT NULL,
    address varchar(45) NOT NULL,
    detail {json} NULL,
    PRIMARY KEY (monitor_id, location, at)
){suffix}
"""
ROLLUP = """
CREATE TABLE monitors_rollup (
    monitor_id bigint NOT NULL,
    location varchar(30) NOT NULL,
    span smallint NOT NULL,
    start bigint NOT NULL,
    n integer NOT NULL,
    failed integer NOT NULL,
    phases {json} NOT NULL,
    sketch {blob} NOT NULL,
    PRIMARY KEY (monitor_id, location, span, start)
){suffix}
"""
TYPES = {
    "sqlite": {"real": "real", "json": "text", "blob": "blob", "suffix": " WITHOUT ROWID"},
    "postgresql": {"real": "double precision", "json": "jsonb", "blob": "bytea", "suffix": ""},
}


def create(apps: Any, schema_editor: Any) -> None:
    types = TYPES[schema_editor.connection.vendor]
    schema_editor.execute(LOOK.format(**types))
    schema_editor.execute(ROLLUP.format(**types))


def drop(apps: Any, schema_editor: Any) -> None:
    schema_editor.execute("DROP TABLE monitors_look")
    schema_editor.execute("DROP TABLE monitors_rollup")


class Migration(migrations.Migration):
    dependencies = [("monitors", "0001_initial")]
    operations = [migrations.RunPython(create, drop)]
