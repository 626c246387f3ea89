"""The memory check: on this machine, and on the files of the kernel as other machines have them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from django_watchpost.health.checks.memory import Memory, judge
from django_watchpost.health.contract import Status
from django_watchpost.health.probing.memory_of import read_memory, read_rss

GB, MB = 2**30, 2**20
MEMINFO = "MemTotal:       8388608 kB\nMemFree:  100 kB\nMemAvailable:   4194304 kB\nHugePages_Total: 0\n"


def machine(folder: Path, **files: object) -> Path:
    """Files under ``folder``: ``sys/fs/cgroup/...`` as ``a__b__c``."""
    for name, text in {"proc__meminfo": MEMINFO, **files}.items():
        path = folder / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(text))
    return folder


def test_this_machine():
    result = next(iter(Memory.found())).run()
    assert 0 < result.observed < 100
    status = Path("/proc/self/status").read_text()
    rss_kb = int(re.search(r"VmRSS:\s+(\d+) kB", status)[1])
    assert abs(read_rss(Path("/")) / 1024 - rss_kb) < 0.2 * rss_kb


def test_without_a_limit_the_machine_counts(tmp_path):
    memory = read_memory(machine(tmp_path, proc__self__cgroup="0::/user.slice\n"))
    assert (memory.total, memory.percent, memory.is_limit) == (8 * GB, 50.0, False)


def limited(folder, used, limit, idle=0, path="/"):
    base = "sys__fs__cgroup" + ("" if path == "/" else path.replace("/", "__"))
    return machine(
        folder,
        proc__self__cgroup=f"0::{path}\n",
        **{
            f"{base}__memory_DOT_max": limit,
            f"{base}__memory_DOT_current": used,
            f"{base}__memory_DOT_stat": f"anon 1\ninactive_file {idle}\nactive_file 2\n",
        },
    )


def test_a_container_under_cgroup_v2(tmp_path):
    memory = read_memory(limited(tmp_path, 900 * MB, GB, idle=100 * MB))
    assert (memory.total, memory.used, memory.is_limit) == (GB, 800 * MB, True)


def test_the_limit_of_a_group_above_counts(tmp_path):
    limited(tmp_path, 900 * MB, GB, path="/pod")
    root = limited(tmp_path, 100 * MB, "max", path="/pod/web")
    assert read_memory(root).used == 900 * MB


def test_a_path_of_the_host_inside_a_container(tmp_path):
    limited(tmp_path, 900 * MB, GB)
    (tmp_path / "proc/self/cgroup").write_text("0::/system.slice/docker-abc.scope\n")
    assert read_memory(tmp_path).used == 900 * MB


@pytest.mark.parametrize(("limit", "is_limit"), [(GB, True), (9223372036854771712, False), (64 * GB, False)])
def test_a_container_under_cgroup_v1(tmp_path, limit, is_limit):
    base = "sys__fs__cgroup__memory__docker__abc"
    root = machine(
        tmp_path,
        proc__self__cgroup="5:cpu,cpuacct:/docker/abc\n3:memory:/docker/abc\n1:name=systemd:/docker/abc\n",
        **{
            f"{base}__memory_DOT_limit_in_bytes": limit,
            f"{base}__memory_DOT_usage_in_bytes": 600 * MB,
            f"{base}__memory_DOT_stat": f"inactive_file 5\ntotal_inactive_file {100 * MB}\n",
        },
    )
    memory = read_memory(root)
    assert memory.is_limit is is_limit
    assert memory.used == (500 * MB if is_limit else 4 * GB)


def test_another_system_has_none_of_it(tmp_path):
    assert read_memory(tmp_path) is None
    assert read_rss(tmp_path) == 0


@pytest.mark.parametrize(("used", "code"), [(900, "memory.limit_near"), (899, "")])
def test_a_limit_that_is_near(tmp_path, used, code):
    result = judge(read_memory(limited(tmp_path, used * MB, 1000 * MB)), 50 * MB, 90.0)
    assert (result.code, result.unit) == (code, "%")
    assert result.status is (Status.DEGRADED if code else Status.OK)
    if code:
        assert "944 of 1049 MB (90 %)" in result.message
        assert "has 52 MB" in result.message


def test_a_machine_without_room(tmp_path):
    root = machine(tmp_path, proc__meminfo=MEMINFO.replace("4194304", "400000"))
    result = judge(read_memory(root), 0, 90.0)
    assert (result.status, result.code) == (Status.DEGRADED, "memory.high")
