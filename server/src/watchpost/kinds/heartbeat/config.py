"""When a heartbeat is expected, how long it may be late, and how its pings are read."""

from __future__ import annotations

import re
from datetime import tzinfo
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from watchpost.core.heartbeat import Rules, Schedule
from watchpost.registry import OFTEN, Config
from watchpost.registry.duration import Duration, show_duration
from watchpost.registry.schedule import Every, check_schedule, check_zone, schedule_of, zone_of

DAY_S = 86_400.0
YEAR_S = 365 * DAY_S
_SLUG = re.compile(r"[a-z0-9_-]*")
_Words = Annotated[str, Field(max_length=200)]


class HeartbeatConfig(Config):
    """What is expected of a job that reports by itself."""

    period: Annotated[
        Duration, OFTEN, Field(title="Expected every", description="From one success to the next.")
    ] = DAY_S
    grace: Annotated[
        Duration,
        OFTEN,
        Field(title="May be late by", description="Also how long a run may take that said it began."),
    ] = 3600.0
    schedule: Annotated[
        str,
        OFTEN,
        Field(
            max_length=500,
            title="Schedule",
            description="In the place of the period: cron such as 0 3 * * *, or OnCalendar as in systemd.",
        ),
    ] = ""
    timezone: Annotated[str, OFTEN, Field(title="Time zone of the schedule")] = "UTC"
    ping_slug: str | None = Field(
        None, max_length=100, title="Name in the address", description="Without it: the slug."
    )
    description: str = Field("", max_length=10_000, title="What it is for")
    methods: Literal["", "POST"] = Field("", title="Pings that count", description="POST: no others.")
    manual_resume: bool = Field(False, title="Stays paused until resumed by hand")
    start_words: _Words = Field("", title="Words that mean: begun", description="Separated by commas.")
    success_words: _Words = Field("", title="Words that mean: done")
    failure_words: _Words = Field("", title="Words that mean: failed")
    read_body: bool = Field(False, title="Look for the words in the body of a ping")
    read_subject: bool = Field(False, title="Look for the words in the subject of a mail")
    read_mail: bool = Field(False, title="Look for the words in the text of a mail")
    fail_unmatched: bool = Field(False, title="Without any of the words: failed")
    misses: int = Field(1, ge=1, le=100, title="Misses in a row that count")
    longest: Duration | None = Field(None, title="A run takes at most")
    shortest: Duration | None = Field(None, title="A run takes at least")
    early: Duration | None = Field(None, title="May be early by")
    alone: bool = Field(False, title="Runs may not overlap")
    output: str = Field("", max_length=200, title="A success prints")

    @field_validator("period", "grace")
    @classmethod
    def _possible(cls, value: float) -> float:
        if not 1 <= value <= YEAR_S:
            raise ValueError(f"{show_duration(value)} is not possible; write 1s to 365d")
        return value

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        return check_zone(value)

    @field_validator("ping_slug")
    @classmethod
    def _plain(cls, value: str | None) -> str | None:
        if value is not None and not _SLUG.fullmatch(value):
            raise ValueError(f"{value!r} cannot stand in an address; write small letters, digits, - and _")
        return value

    @field_validator("schedule")
    @classmethod
    def _readable(cls, value: str) -> str:
        return check_schedule(value) if value.strip() else ""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.longest is not None and self.shortest is not None and self.shortest > self.longest:
            raise ValueError(
                f"shortest ({show_duration(self.shortest)}) is more than longest "
                f"({show_duration(self.longest)}); no run could be right"
            )
        return self

    @property
    def zone(self) -> tzinfo:
        return zone_of(self.timezone)

    @cached_property
    def rule(self) -> Schedule:
        return schedule_of(self.schedule, self.zone) if self.schedule else Every(self.period)

    @cached_property
    def rules(self) -> Rules:
        return Rules(
            self.rule,
            self.grace,
            only_post=self.methods == "POST",
            manual_resume=self.manual_resume,
            reads_body=self.read_body,
            reads_subject=self.read_subject,
            reads_mail=self.read_mail,
            start_words=_split(self.start_words),
            success_words=_split(self.success_words),
            failure_words=_split(self.failure_words),
            fails_unmatched=self.fail_unmatched,
            misses=self.misses,
            longest_s=self.longest,
            shortest_s=self.shortest,
            early_s=self.early,
            alone=self.alone,
            output=self.output,
        )


def _split(words: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in words.split(",") if word.strip())
