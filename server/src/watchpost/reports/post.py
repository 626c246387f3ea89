"""Queues and sends the weekly letters, so that each person gets one a week and no more.

1. ``queue``: for everybody whose Monday morning it has become, one row; a second is refused by the database.
2. ``send_next``: claims one row that is due (compare-and-swap on its next attempt), makes the letter outside
   of any transaction, hands it to the mail server, writes what came of it.

Who dies in between leaves a claimed row, which is due again after ``CLAIM``: the letter goes out then. Only a
death between the mail server's yes and our note of it sends one twice, under the same Message-ID.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from watchpost.accounts.access import visible_projects
from watchpost.accounts.models import User
from watchpost.core.retry import Failure, Retry, next_attempt
from watchpost.monitors.models import Monitor
from watchpost.reports.letter import compose
from watchpost.reports.models import WeeklyLetter, WeeklyWish
from watchpost.reports.week import LATE, Week, last_week, week_of, zone_of
from watchpost.reports.weekly import Figures, Report, make_report
from watchpost.reports.words import tell

CLAIM = timedelta(minutes=10)
BROKEN_S = 1800.0  # EMAIL_URL is wrong: nobody is served by asking every few seconds
DEADLINE_S = 20.0
KEEP = timedelta(days=400)
log = logging.getLogger(__name__)
Clock = Callable[[], datetime]


def wants(user: User) -> bool:
    """Nobody has said no. Who never signed in, or whose account nobody stands for, may not even know us:
    this server does not write to strangers."""
    wish = WeeklyWish.objects.filter(user=user).values_list("wanted", flat=True).first()
    return wish is not False and user.is_active and user.vouched and user.last_login is not None


def set_wish(user_id: int, wanted: bool) -> bool:
    """Whether there is such a person. What waits to be sent to them goes."""
    if not User.objects.filter(pk=user_id).exists():
        return False
    WeeklyWish.objects.update_or_create(user_id=user_id, defaults={"wanted": wanted})
    if not wanted:
        WeeklyLetter.objects.filter(user_id=user_id, state="pending").update(
            state="failed", next_attempt_at=None, answer="not wanted any more"
        )
    return True


def queue(now: datetime) -> int:
    """Rows for whoever is due; how many. Late by at most two days: older figures help nobody."""
    count = 0
    for user in User.objects.filter(is_active=True, vouched=True).exclude(last_login=None).order_by("pk"):
        week = last_week(now, zone_of(user.zone))
        if now - week.due > LATE or user.date_joined > week.due:
            continue
        if WeeklyLetter.objects.filter(user=user, week=week.monday).exists() or not wants(user):
            continue
        if has_part(user, week):
            count += _queue_one(user, week, now)
    return count


def has_part(user: User, week: Week) -> bool:
    """Something of theirs was watched in that week."""
    rows = Monitor.objects.filter(project__in=visible_projects(user), created_at__lt=week.end)
    return rows.exists()


def _queue_one(user: User, week: Week, now: datetime) -> int:
    try:
        with transaction.atomic():
            WeeklyLetter.objects.create(user=user, week=week.monday, due_at=week.due, next_attempt_at=now)
    except IntegrityError:  # another engine was faster
        return 0
    return 1


def send_next(outbound: Any, now: Clock, figures: Figures) -> bool:
    """Sends one letter that is due; False when there is none."""
    row = _claim(now())
    if row is None:
        return False
    if now() - row.due_at > LATE:
        _settle(row, WeeklyLetter.State.FAILED, None, "it could not be sent within two days")
        return True
    if not wants(row.user):
        _settle(row, WeeklyLetter.State.FAILED, None, "not wanted any more")
        return True
    week = week_of(row.week, zone_of(row.user.zone))
    try:
        letter = letter_for(row.user, week, outbound, now(), figures)
    except ValueError as problem:
        _settle(row, WeeklyLetter.State.PENDING, now() + timedelta(seconds=BROKEN_S), str(problem)[:500])
        return True
    _record(row, outbound.mail(letter, DEADLINE_S), now())
    return True


def _claim(now: datetime) -> WeeklyLetter | None:
    """The row is ours for ten minutes; whoever else saw it as due comes too late."""
    rows = WeeklyLetter.objects.filter(state="pending", next_attempt_at__lte=now)
    for row in rows.select_related("user").order_by("next_attempt_at", "pk")[:10]:
        mine = WeeklyLetter.objects.filter(
            pk=row.pk, state="pending", next_attempt_at=row.next_attempt_at, attempts=row.attempts
        )
        if mine.update(next_attempt_at=now + CLAIM, attempts=row.attempts + 1):
            row.attempts += 1
            return row
    return None


def report_for(user: User, week: Week, now: datetime, figures: Figures) -> Report:
    """What this person may see, and no more."""
    return make_report(list(visible_projects(user).order_by("name")), week, now, figures)


def letter_for(user: User, week: Week, outbound: Any, now: datetime, figures: Figures) -> Any:
    zone = zone_of(user.zone)
    told = tell(report_for(user, week, now, figures), zone)
    name = str(zone).split("/")[-1].replace("_", " ")
    return compose(user.email, user.pk, told, week, name, outbound.from_address, outbound.site_url, now)


def _record(row: WeeklyLetter, answer: Any, now: datetime) -> None:
    if answer.ok:
        _settle(row, WeeklyLetter.State.DELIVERED, None, answer.detail, delivered_at=now)
        return
    log.warning("the weekly report was not sent: %s", answer.detail)
    permanent = answer.code is not None and answer.code >= 500 and not answer.broken
    decision = next_attempt(Failure(permanent, False, None), row.attempts, random.random(), now)
    if isinstance(decision, Retry):
        at = now + timedelta(seconds=BROKEN_S) if answer.broken else decision.at
        _settle(row, WeeklyLetter.State.PENDING, at, answer.detail)
    else:
        _settle(row, WeeklyLetter.State.FAILED, None, answer.detail)


def _settle(row: WeeklyLetter, state: str, at: datetime | None, answer: str, **more: Any) -> None:
    """Only while it is still to be sent: who said no meanwhile meant it."""
    rows = WeeklyLetter.objects.filter(pk=row.pk)
    if state == WeeklyLetter.State.PENDING:
        rows = rows.filter(state=WeeklyLetter.State.PENDING)
    rows.update(state=state, next_attempt_at=at, answer=answer[:500], **more)


def forget(now: datetime) -> None:
    WeeklyLetter.objects.filter(due_at__lt=now - KEEP).delete()
