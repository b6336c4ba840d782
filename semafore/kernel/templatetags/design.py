"""The parts that templates are made of; available in every template without `{% load %}`."""

import re
from datetime import UTC, datetime
from typing import Any

from django import template
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from semafore.kernel import clock
from semafore.kernel.clock import rfc3339
from semafore.kernel.names import called

register = template.Library()
register.filter(called)  # {{ person|called }}, {{ reset.decided_by|called:"SemaFore's operators" }}

BAR_WIDTH = 120
"""Of a bar, in the units of its drawing."""
DIGIT_GROUP, HEX_GROUP = 5, 8
MINUTE = 60
UNITS = (("day", 24 * 60 * MINUTE), ("hour", 60 * MINUTE), ("minute", MINUTE))
MANY = 2
"""Of a unit, before it is coarse enough: Django's own would say a week for ten days."""


@register.simple_tag(takes_context=True)
def link(context: dict[str, Any], name: str, *args: Any) -> str:
    """The address of a page of this console: `{% link "members" %}`, `{% link "member" id %}`."""
    return reverse(name, args=[context["request"].seat.slug, *args])


@register.simple_tag
def moment(value: datetime | None, *, both: bool = False) -> SafeString:
    """A time in UTC, as `<time>`; the script shows the viewer's own, with `both` beside it."""
    if value is None:
        return SafeString("")
    return format_html(
        '<time datetime="{}"{}>{} UTC</time>',
        rfc3339(value),
        SafeString(" data-both") if both else "",
        value.astimezone(UTC).strftime("%-d %b %Y, %H:%M"),
    )


@register.simple_tag
def instant(value: datetime | None) -> SafeString:
    """A time in UTC to the second, as evidence gives it."""
    if value is None:
        return SafeString("")
    return format_html(
        '<time datetime="{}" data-seconds>{} UTC</time>',
        rfc3339(value),
        value.astimezone(UTC).strftime("%-d %b %Y, %H:%M:%S"),
    )


@register.simple_tag
def until(value: datetime | None) -> SafeString:
    """How far off a time is, and the time itself: "in 3 days", "2 hours ago"."""
    if value is None:
        return SafeString("")
    seconds = (value - clock.now()).total_seconds()
    span = _span(abs(seconds))
    relative = "now"
    if span:
        relative = f"in {span}" if seconds > 0 else f"{span} ago"
    return format_html('<span class="until"><span>{}</span> {}</span>', relative, moment(value))


def _span(seconds: float) -> str:
    """A length of time in one unit, exact enough to act upon: "47 hours", "10 days"."""
    for unit, length in UNITS:
        if seconds >= MANY * length:
            return f"{round(seconds / length)}\N{NO-BREAK SPACE}{unit}s"
    return "1\N{NO-BREAK SPACE}minute" if seconds >= MINUTE else ""


@register.simple_tag
def status(word: str) -> SafeString:
    """A status: a word with a colour."""
    return format_html(
        '<span class="status status-{}">{}</span>', word, capfirst(word.replace("_", " "))
    )


@register.simple_tag
def fingerprint(value: str) -> SafeString:
    """Groups that can be compared by eye and copied whole.

    A value that comes in groups keeps them; digits are grouped by five, hexadecimals by eight.
    """
    groups = value.split()
    spaced = len(groups) > 1
    if not spaced:
        size = DIGIT_GROUP if value.isdecimal() else HEX_GROUP
        groups = re.findall(f".{{1,{size}}}", value)
    return format_html(
        '<code class="fingerprint{}" data-copy="{}">{}</code>',
        "" if spaced else " fingerprint-unspaced",
        value,
        format_html_join(" " if spaced else "", "<span>{}</span>", ((group,) for group in groups)),
    )


@register.simple_tag
def bar(
    value: float,
    maximum: float,
    label: str,
    *,
    low: float | None = None,
    high: float | None = None,
) -> SafeString:
    """`value` of `maximum` as a bar, with the words that say the same.

    Below `low` or above `high` it wants attention; a mark shows where that begins.
    """
    limit = high if low is None else low
    wrong = (low is not None and value < low) or (high is not None and value > high)
    mark = (
        SafeString("")
        if limit is None
        else format_html('<path class="bar-mark" d="M{} 0v8"/>', _length(limit, maximum))
    )
    return format_html(
        '<span class="bar{}"><svg viewBox="0 0 {width} 8" width="{width}" height="8"'
        ' aria-hidden="true" focusable="false"><rect class="bar-ground" width="{width}" height="8"'
        ' rx="1"/><rect class="bar-value" width="{}" height="8" rx="1"/>{}</svg>'
        '<span class="bar-label">{}</span></span>',
        " bar-wrong" if wrong else "",
        _length(value, maximum),
        mark,
        label,
        width=BAR_WIDTH,
    )


def _length(value: float, maximum: float) -> float:
    share = min(max(value / maximum, 0), 1) if maximum else 0
    return round(share * BAR_WIDTH, 1)


@register.simple_tag
def icon(name: str) -> SafeString:
    """A picture of `static/img/icons.svg`; it stands beside words, so it says nothing itself."""
    return format_html(
        '<svg class="icon" width="20" height="20" aria-hidden="true" focusable="false">'
        '<use href="{}#{}"></use></svg>',
        static("img/icons.svg"),
        name,
    )
