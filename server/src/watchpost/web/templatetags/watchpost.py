"""The words and shapes of ``web/words.py`` for templates."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import template
from django.forms import BoundField
from django.utils.html import format_html
from django.utils.safestring import SafeString

from watchpost import clock
from watchpost.config.secret import redact
from watchpost.core.words import duration_words
from watchpost.web import assets, words

register = template.Library()
OWN_WORDS = {
    "Email": "E-mail address",
    "Remember Me": "Stay signed in",
    "Current Password": "Current password",
    "New Password": "New password",
    "New Password (again)": "New password once more",
}
register.filter("shape", words.shape)
register.filter("word", words.word)
register.filter("severity_shape", words.severity_shape)
register.filter("span", words.span)
register.filter("span_of_run", duration_words)
register.filter("ms", words.milliseconds)
register.filter("percent", words.percent)
register.simple_tag(assets.address, name="asset")
register.simple_tag(words.zone_name, name="zone")


def _aware(at: Any) -> datetime:
    return at if isinstance(at, datetime) else datetime.fromtimestamp(float(at) / 1000, UTC)


def _exact(at: datetime) -> tuple[str, str]:
    """The moment for machines, and in full for people."""
    return at.isoformat(), words.absolute(at)


@register.filter
def ago(at: Any) -> SafeString | str:
    """``6 min ago``, kept fresh by the script, the absolute time on hover. Epoch milliseconds are fine."""
    if at is None:
        return "never"
    at = _aware(at)
    shown = words.ago(at, clock.now())
    return format_html('<time datetime="{}" title="{}" data-ago>{}</time>', *_exact(at), shown)


@register.filter
def moment(at: Any) -> SafeString | str:
    """The time of day, with the date when it is not today."""
    if at is None:
        return "–"
    at = _aware(at)
    return format_html('<time datetime="{}" title="{}">{}</time>', *_exact(at), words.moment(at, clock.now()))


@register.filter
def lasted(at: Any, until: Any = None) -> str:
    """How long it has been, or was until then."""
    if at is None:
        return "–"
    return words.span(((until or clock.now()) - at).total_seconds())


@register.filter
def about(at: Any) -> str:
    """How long it has been, in one unit."""
    return words.rough((clock.now() - at).total_seconds())


@register.filter
def about_in(at: datetime) -> str:
    """How long it is until then, or has been since, in one unit."""
    return words.rough(abs((at - clock.now()).total_seconds()))


@register.filter
def clean(value: Any) -> Any:
    """Stored configuration without its secrets."""
    return redact(value)


@register.filter
def own_words(label: str) -> str:
    """The labels of the sign-in library, said as the other pages say them."""
    return OWN_WORDS.get(label, label)


@register.filter
def unhinted(bound: BoundField) -> BoundField:
    """Without the hint inside the input: it repeats the label in other words."""
    bound.field.widget.attrs.pop("placeholder", None)
    return bound


@register.simple_tag
def mark(shape: str) -> SafeString:
    return format_html('<i class="mark {}" aria-hidden="true"></i>', shape)
