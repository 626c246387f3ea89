"""How a job reports: the snippets of a heartbeat's page and of ``docs/how-to/heartbeat-recipes.md``. Pure.

Only what cannot break out of a quoted word stands in them: the address of the heartbeat, its slug, and a
schedule that was read as one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from watchpost.registry.schedule import is_cron

CURL = "curl -fsS -m 10 --retry 5 -o /dev/null"
DAILY = "0 3 * * *"
_ZONED = re.compile(r" ([A-Za-z_]+/[A-Za-z_/+-]+|UTC)$")


@dataclass(frozen=True, slots=True)
class Job:
    """What the snippets are told. ``url`` is the address of its pings, ``slug`` its name in files. ``server``
    and ``key`` (the project's ping key) are for the agent, which pings by ``name``; empty: it has no name of
    its own, and the agent could not tell whom it means."""

    url: str
    slug: str
    schedule: str = ""
    timezone: str = "UTC"
    server: str = ""
    key: str = ""
    name: str = ""

    @property
    def cron(self) -> str:
        return self.schedule if self.schedule and is_cron(self.schedule) else DAILY

    @property
    def calendar(self) -> list[str]:
        """Expressions of OnCalendar, each with the zone that the schedule is read on."""
        own = self.schedule if self.schedule and not is_cron(self.schedule) else "*-*-* 03:00:00"
        lines = [line.strip() for line in own.splitlines() if line.strip()]
        return [line if _ZONED.search(line) else f"{line} {self.timezone}" for line in lines]


@dataclass(frozen=True, slots=True)
class Recipe:
    key: str
    title: str
    says: str
    write: Callable[[Job], str]
    by_name: bool = False  # the agent's: not for a job without one


def recipes_for(job: Job) -> tuple[Recipe, ...]:
    """Those that can be written for it."""
    return tuple(one for one in RECIPES if job.name or not one.by_name)


def _curl(job: Job) -> str:
    return f"""./backup.sh
{CURL} {job.url}/$?
"""


def _command(job: Job) -> str:
    return f"""# Once on the host
curl -fsS -o watchpost-run {job.url.rpartition("/ping/")[0]}/run.py
chmod +x watchpost-run

./watchpost-run --url {job.url} -- ./backup.sh
"""


def _python(job: Job) -> str:
    return f'''import urllib.request

URL = "{job.url}"


def report(sign: str = "") -> None:
    """A server that does not answer must not stop the job."""
    try:
        urllib.request.urlopen(URL + sign, timeout=10).close()
    except OSError as error:
        print("The heartbeat was not sent:", error)


def work() -> None:
    print("What the job does")


report("/start")
try:
    work()
except BaseException:
    report("/fail")
    raise
report()
'''


def _settings(job: Job) -> str:
    return f"""# settings.py, with the package django-watchpost installed
INSTALLED_APPS += ["django_watchpost"]
WATCHPOST = {{
    "PING_URL": "{job.server}",
    "PING_KEY": "{job.key}",
}}
"""


def _django(job: Job) -> str:
    return f"""{_settings(job)}
# yourapp/management/commands/nightly.py
from django.core.management.base import BaseCommand
from django_watchpost import heartbeat


class Command(BaseCommand):
    help = "The nightly work."

    @heartbeat("{job.name}")
    def handle(self, *args, **options):
        self.stdout.write("What the command does")
"""


def _celery(job: Job) -> str:
    return f"""{_settings(job)}
# yourapp/tasks.py
from celery import shared_task
from django_watchpost import heartbeat


@shared_task
@heartbeat("{job.name}")
def nightly():
    print("What the task does")
"""


def _django_alone(job: Job) -> str:
    return f'''# yourapp/management/commands/nightly.py
import urllib.request

from django.core.management.base import BaseCommand

URL = "{job.url}"


def report(sign: str = "") -> None:
    """A server that does not answer must not stop the command."""
    try:
        urllib.request.urlopen(URL + sign, timeout=10).close()
    except OSError as error:
        print("The heartbeat was not sent:", error)


class Command(BaseCommand):
    help = "The nightly work."

    def handle(self, *args, **options):
        report("/start")
        try:
            self.work()
        except BaseException:
            report("/fail")
            raise
        report()

    def work(self):
        self.stdout.write("What the command does")
'''


def _celery_alone(job: Job) -> str:
    return f'''# yourapp/tasks.py
import urllib.request

from celery import Task, shared_task

URL = "{job.url}"


class Reported(Task):
    """Reports when a run begins, and how it ended: also of one whose worker was asked to stop."""

    def report(self, sign, run):
        try:
            urllib.request.urlopen(f"{{URL}}{{sign}}?rid={{run}}", timeout=10).close()
        except OSError as error:
            print("The heartbeat was not sent:", error)

    def before_start(self, task_id, args, kwargs):
        self.report("/start", task_id)

    def on_success(self, retval, task_id, args, kwargs):
        self.report("", task_id)

    def on_failure(self, exc, task_id, args, kwargs, einfo):
        self.report("/fail", task_id)


@shared_task(base=Reported)
def nightly():
    print("What the task does")
'''


def _crontab(job: Job) -> str:
    return f"{job.cron} /usr/local/bin/backup.sh; {CURL} {job.url}/$?\n"


def _systemd(job: Job) -> str:
    when = "\n".join(f"OnCalendar={line}" for line in job.calendar)
    return f"""# /etc/systemd/system/{job.slug}.service
[Service]
Type=oneshot
ExecStart=/usr/local/bin/backup.sh
ExecStopPost=-/bin/sh -c '[ "$$SERVICE_RESULT" = success ] || end=/fail; {CURL} {job.url}$$end'

# /etc/systemd/system/{job.slug}.timer
[Timer]
{when}
Persistent=true

[Install]
WantedBy=timers.target
"""


def _github(job: Job) -> str:
    return f"""# .github/workflows/{job.slug}.yml
on:
  schedule:
    - cron: "{job.cron}"
jobs:
  {job.slug}:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: |
          {CURL} {job.url}/start || true
          ./backup.sh
          {CURL} {job.url} || true
      - if: failure()
        run: {CURL} {job.url}/fail
"""


def _kubernetes(job: Job) -> str:
    return f"""apiVersion: batch/v1
kind: CronJob
metadata:
  name: {job.slug}
spec:
  schedule: "{job.cron}"
  timeZone: {job.timezone}
  concurrencyPolicy: Forbid
  jobTemplate:
    spec:
      backoffLimit: 0
      template:
        spec:
          restartPolicy: Never
          containers:
            - name: job
              image: registry.example/backup:1
              command:
                - /bin/sh
                - -c
                - |
                  {CURL} {job.url}/start
                  ./backup.sh
                  {CURL} {job.url}/$?
"""


RECIPES: tuple[Recipe, ...] = (
    Recipe("curl", "curl", "After the work, with its exit code: 0 is a success, anything else a failure.",
           _curl),
    Recipe("command", "Any command", "Its begin, duration, exit code, signal and the end of what it printed. "
           "One file, for Python 3.9 and newer.", _command),
    Recipe("python", "Python", "The standard library alone. A start lets a run that never ends be noticed.",
           _python),
    Recipe("django", "Django command", "One line over the work; it waits a second for the server at most.",
           _django, by_name=True),
    Recipe("celery", "Celery", "One line between the task's decorator and the function.",
           _celery, by_name=True),
    Recipe("crontab", "crontab", "One line. The exit code goes with it, so failures count at once.",
           _crontab),
    Recipe("systemd", "systemd timer", "A service and its timer; a run that was killed is a failure, too.",
           _systemd),
    Recipe("github", "GitHub Actions", "A scheduled workflow. GitHub reads its schedule on the clock of UTC.",
           _github),
    Recipe("kubernetes", "Kubernetes", "A CronJob. The image needs a shell and curl.",
           _kubernetes),
    Recipe("django_alone", "Django alone", "The same command without our package: it says when it begins and "
           "how it ended.", _django_alone),
    Recipe("celery_alone", "Celery alone", "The same task without our package; the id of each run keeps runs "
           "beside each other apart.", _celery_alone),
)  # fmt: skip
