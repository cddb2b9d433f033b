"""Template tags of the console: states as badges, numbers as people read them, times."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import phonenumbers
from django import template
from django.template.context import RequestContext
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from console import words
from members.models import AlertRule
from messaging.models import Message
from messaging.phone import mask

register = template.Library()


@register.simple_tag
def badge(message: Message) -> SafeString:
    """Return a message's state as a badge."""
    label = words.OPTED_OUT if message.is_opted_out else words.STATES[message.status]
    return format_html('<span class="badge {}">{}</span>', label.tone, label.words)


@register.simple_tag(takes_context=True)
def phone(context: RequestContext, number: str) -> str:
    """Return a number as people read it; for a viewer with its digits masked."""
    if not context["visit"].is_operator:
        return mask(number)
    if not number.startswith("+"):
        return number
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


@register.simple_tag(takes_context=True)
def person(context: RequestContext, number: str) -> SafeString | str:
    """Return the name, of `names`, of who has this number, and the number, as `phone` has it."""
    shown = phone(context, number)
    names: dict[str, str] = context.get("names") or {}
    name = names.get(number)
    return format_html('<span class="who">{}</span><br>{}', name, shown) if name else shown


@register.simple_tag
def who(username: str, called: str | Mapping[int, str], user_id: int = 0) -> SafeString:
    """Return how a person wants to be called, or what `called` has for their id, beside their log-in."""
    name = called if isinstance(called, str) else called.get(user_id, "")
    if not name:
        return format_html('<strong class="who">{}</strong>', username)
    shown = '<strong class="who">{}</strong> <span class="soft who">{}</span>'
    return format_html(shown, name, username)


@register.filter
def when(moment: dt.datetime | None) -> SafeString | str:
    """Return a moment in the account's zone, as `28.11.2026 23:09`."""
    if moment is None:
        return ""
    iso = moment.isoformat(timespec="seconds")
    return format_html('<time datetime="{}">{}</time>', iso, in_words(moment))


def in_words(moment: dt.datetime) -> str:
    return f"{timezone.localtime(moment):%d.%m.%Y %H:%M}"


@register.simple_tag
def icon(name: str) -> SafeString:
    file = static("console/icons.svg")
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>', file, name)


@register.simple_tag
def alert_rule(rules: dict[int | None, AlertRule], device_id: int | None) -> AlertRule | None:
    """Return the rule that holds for a phone; for None that of all."""
    return rules.get(device_id) or rules.get(None)


@register.filter
def of(mapping: Any, key: Any) -> Any:
    return mapping[key]


@register.filter
def text_of(texts: dict[int, str], key: int) -> str:
    return texts.get(key, "")
