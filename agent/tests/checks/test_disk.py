"""The disk check, on file systems of its own where this machine allows to mount them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from django_watchpost.health.checks.disk import Disk, _size, usable_mb
from django_watchpost.health.contract import Status
from tests.checks.many import runs_leave_nothing

MB = 1_000_000


@pytest.fixture
def mount(folder):
    """Mounts a file system in memory: ``mount("size=10m")``."""
    mounted = []

    def make(options: str) -> Path:
        path = folder / f"disk{len(mounted)}"
        path.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", path], capture_output=True)
        if done.returncode:
            pytest.skip("this machine lets nobody mount")
        mounted.append(path)
        return path

    yield make
    for path in mounted:
        subprocess.run(["umount", "-l", path], check=True)


def fill(path: Path, megabytes: float) -> None:
    (path / "filling").write_bytes(b"x" * int(megabytes * 2**20))


def test_this_machine_has_room():
    check = next(iter(Disk.found()))
    result = check.run()
    assert result.unit == "%"
    assert 0 < result.observed < 100
    whole = os.statvfs("/tmp")
    expected = 100 * (whole.f_blocks - whole.f_bfree) / (whole.f_blocks - whole.f_bfree + whole.f_bavail)
    assert any(abs(one["percent"] - expected) < 2 for one in result.details.values())


@pytest.mark.parametrize(
    ("filled", "status", "code"),
    [
        (8, Status.OK, ""),
        (9.2, Status.DEGRADED, "disk.nearly_full"),
        (9.9, Status.ERROR, "disk.full"),
    ],
)
def test_how_full(mount, filled, status, code):
    path = mount("size=10m")
    fill(path, filled)
    result = Disk(paths=(str(path / "not" / "there" / "yet"),)).run()
    assert (result.status, result.code) == (status, code), result
    assert abs(result.observed - filled * 10) < 2
    if code:
        assert f"The disk of {path} is" in result.message


def test_little_room_counts_on_large_disks_alone(mount):
    path = mount("size=100m")
    fill(path, 80)
    small = Disk(paths=(str(path),), error_below_mb=50).run()
    assert small.status is Status.OK
    result = Disk(paths=(str(path),), error_below_mb=5).run()
    assert result.status is Status.OK
    fill(path, 89)
    large = Disk(paths=(str(path),), error_below_mb=5, degraded_from=99).run()
    assert large.status is Status.OK, "11 MB are left"
    fill(path, 96)
    full = Disk(paths=(str(path),), error_below_mb=5, degraded_from=99, error_from=99).run()
    assert (full.status, full.code) == (Status.ERROR, "disk.full")


def test_inodes(mount):
    path = mount("size=10m,nr_inodes=100")
    for number in range(95):
        (path / str(number)).touch()
    result = Disk(paths=(str(path),)).run()
    assert (result.status, result.code) == (Status.DEGRADED, "disk.nearly_full")
    assert "of its inodes in use" in result.message
    for number in range(95, 98):
        (path / str(number)).touch()
    assert Disk(paths=(str(path),)).run().code == "disk.full"


def test_each_file_system_once_and_none_that_is_read_only(mount):
    one, other = mount("size=10m"), mount("size=10m")
    fill(other, 9.9)
    (one / "media").mkdir()
    paths = (str(one), str(one / "media"), str(other))
    result = Disk(paths=paths).run()
    assert list(result.details) == [str(one), str(other)]
    assert result.status is Status.ERROR
    subprocess.run(["mount", "-o", "remount,ro", other], check=True)
    assert list(Disk(paths=paths).run().details) == [str(one)]


def test_what_is_looked_at(settings, folder):
    settings.MEDIA_ROOT, settings.BASE_DIR = str(folder / "media"), folder
    paths = next(iter(Disk.found())).paths
    assert paths[:2] == (str(folder / "media"), str(folder))
    assert len(paths) == 3, "and temporary files"


def test_runs_leave_nothing():
    runs_leave_nothing(next(iter(Disk.found())), 500, lambda: 0)


def test_what_is_left_is_left_of_what_the_percentage_is_of():
    """It said 25 % full, and 82 of 271 GB left: most of it was reserved for root."""
    stats = os.statvfs_result((4096, 4096, 66_052_000, 59_360_000, 20_000_000, 0, 0, 0, 0, 255))
    assert round(usable_mb(stats)) == 109_330
    assert (_size(usable_mb(stats)), _size(9_999), _size(0.4)) == ("109 GB", "9,999 MB", "0 MB")
