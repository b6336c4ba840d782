"""The parts that templates are made of; available in every template without `{% load %}`."""

from datetime import datetime
from typing import Any

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from semafore.kernel.clock import rfc3339

register = template.Library()


@register.simple_tag(takes_context=True)
def link(context: dict[str, Any], name: str, *args: Any) -> str:
    """The address of a page of this console: `{% link "members" %}`, `{% link "member" id %}`."""
    return reverse(name, args=[context["request"].seat.slug, *args])


@register.simple_tag
def moment(value: datetime | None) -> SafeString:
    """A time in UTC, as `<time>`; the script adds the viewer's own."""
    if value is None:
        return SafeString("")
    return format_html(
        '<time datetime="{}">{} UTC</time>', rfc3339(value), value.strftime("%-d %b %Y, %H:%M")
    )


@register.simple_tag
def status(word: str) -> SafeString:
    """A status: a word with a colour."""
    return format_html('<span class="status status-{}">{}</span>', word, word.replace("_", " "))


@register.simple_tag
def fingerprint(value: str) -> SafeString:
    """Groups that can be compared by eye and copied whole."""
    return format_html('<code class="fingerprint">{}</code>', value)
