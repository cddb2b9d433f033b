"""Inbound senders: whom a network's spelling stands for."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import phonenumbers
import pytest
from django.db import connection
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from messaging import phone as numbers
from messaging import senders
from messaging.models import Event, InboundMessage, Message, OptOut
from messaging.senders import readings
from messaging.services import opt_outs
from tests.conftest import Api, ManualClock, Phone, Tenant, pair_phone
from tests.delivery import Wire, accept, status

# Every country with its example of a mobile number.
MOBILE = {
    country: example
    for country in sorted(phonenumbers.SUPPORTED_REGIONS)
    if (example := phonenumbers.example_number_for_type(country, PhoneNumberType.MOBILE))
}
COUNTRIES = st.sampled_from(sorted(MOBILE))


def e164(country: str) -> str:
    return phonenumbers.format_number(MOBILE[country], PhoneNumberFormat.E164)


def spellings(country: str) -> dict[str, str]:
    """How networks write this country's example to a phone in that country."""
    international = e164(country)
    digits = international.removeprefix("+")
    national = phonenumbers.format_number(MOBILE[country], PhoneNumberFormat.NATIONAL)
    significant = phonenumbers.national_significant_number(MOBILE[country])
    return {
        "international": international,
        "without plus": digits,
        "00": f"00{digits}",
        "spaces": phonenumbers.format_number(MOBILE[country], PhoneNumberFormat.INTERNATIONAL),
        "national": national,
        "national digits": "".join(filter(str.isdigit, national)),
        "without trunk prefix": significant,
        "with a zero": f"0{significant}",
    }


@settings(max_examples=100, deadline=None)
@given(COUNTRIES)
def test_every_spelling_of_a_number_of_the_own_country_may_mean_it(country: str) -> None:
    for spelling, sender in spellings(country).items():
        assert e164(country) in readings(sender, country).likely, spelling


@settings(max_examples=100, deadline=None)
@given(COUNTRIES, COUNTRIES)
def test_an_international_spelling_means_its_number_in_every_country(
    country: str, foreign: str
) -> None:
    number = e164(foreign)
    for sender in (number, f"00{number[1:]}", number[1:]):
        assert number in readings(sender, country).likely
    assert readings(number, country).certain == number


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=30), COUNTRIES)
def test_any_text_can_be_a_sender(sender: str, country: str) -> None:
    read = readings(sender, country)
    if any(letter.isalpha() for letter in sender):
        assert read == senders.Readings()


@settings(max_examples=100, deadline=None)
@given(st.from_regex(r"[1-9][0-9]{8,14}", fullmatch=True), COUNTRIES)
def test_bare_digits_are_certain_only_if_they_begin_with_their_country_code(
    digits: str, country: str
) -> None:
    allowed = senders._international(f"+{digits}")
    assert readings(digits, country).certain in {None, *allowed}


# --- STOP ----------------------------------------------------------------------------------------


@pytest.fixture
def wire(api: Api, phone: Phone) -> Wire:
    return Wire(api, phone)


def received(sender: str, text: str = "STOP", **more: Any) -> dict[str, Any]:
    return {
        "event_id": str(uuid4()), "type": "received", "sender": sender, "text": text,
        "wall_time": "2026-04-09T14:32:00Z", **more,
    }  # fmt: skip


def opted_out() -> list[str]:
    return sorted(OptOut.objects.values_list("phone", flat=True))


@pytest.mark.parametrize("country", ["PL", "DE", "IT", "AR", "RU", "US", "DK", "HU", "CH"])
def test_stop_is_heard_in_every_spelling(
    api: Api, tenant: Tenant, wire: Wire, country: str
) -> None:
    tenant.set_rules(country=country)
    number = e164(country)
    accept(api, tenant, phone=number)
    for spelling, sender in spellings(country).items():
        wire.report(received(sender))
        assert opted_out() == sorted(numbers.spellings(number)), spelling
        OptOut.objects.all().delete()


def test_stop_without_plus_of_a_foreign_recipient_is_heard(
    api: Api, tenant: Tenant, wire: Wire
) -> None:
    accept(api, tenant, phone="+4915112345678")
    wire.report(received("4915112345678"))
    assert opted_out() == ["+4915112345678"]
    assert InboundMessage.objects.get().sender == "+4915112345678"


def test_stop_of_a_number_that_nobody_wrote_to_is_heard_where_it_names_its_country(
    wire: Wire,
) -> None:
    wire.report(received("+4915112345678"), received("4520123456"), received("7255"))
    assert opted_out() == ["+4520123456", "+4915112345678", "7255"]


@pytest.mark.parametrize("sender", ["600100200", "0600100200", "298212345"])
def test_a_national_looking_sender_opts_out_no_stranger(
    api: Api, tenant: Tenant, wire: Wire, sender: str
) -> None:
    accept(api, tenant, phone="+4915112345678")
    wire.report(received(sender))
    assert opted_out() == []
    assert Message.objects.get().status == "pending"


def test_the_same_digits_are_whom_the_account_wrote_to(
    api: Api, tenant: Tenant, other_tenant: Tenant, wire: Wire
) -> None:
    """298212345 is a number of the Faroe Islands and one of Poland."""
    accept(api, tenant, phone="+298212345")
    accept(api, other_tenant, phone="+48298212345")
    wire.report(received("298212345"))
    assert opted_out() == ["+298212345"]


def test_a_sender_who_may_be_two_recipients_stops_both_and_starts_none(
    api: Api, tenant: Tenant, wire: Wire
) -> None:
    accept(api, tenant, "a", phone="+298212345")
    accept(api, tenant, "b", phone="+48298212345")
    wire.report(received("298212345"))
    assert opted_out() == ["+298212345", "+48298212345"]
    assert InboundMessage.objects.get().sender == "298212345"
    wire.report(received("298212345", "START"))
    assert len(opted_out()) == 2
    wire.report(received("+298212345", "START"))
    assert opted_out() == ["+48298212345"]


def test_a_national_sender_abroad_is_heard_where_it_is_no_number_of_the_country(
    api: Api, tenant: Tenant, wire: Wire
) -> None:
    """A Polish account whose phone has a German SIM."""
    accept(api, tenant, phone="+4915112345678")
    wire.report(received("015112345678"))
    assert opted_out() == ["+4915112345678"]


def test_a_contact_and_an_opt_out_are_known_without_a_message(
    api: Api, tenant: Tenant, wire: Wire
) -> None:
    api.post("/api/contacts/contacts/", tenant.with_keys(phone="+48600100200", name="Anna"))
    wire.report(received("600100200"))
    assert opted_out() == ["+48600100200"]
    wire.report(received("600 100 200", "START"))
    assert opted_out() == []


@pytest.mark.parametrize("sender", ["", "BANK", "Stop24", "anonymous"])
def test_a_sender_without_a_number_opts_nobody_out(wire: Wire, sender: str) -> None:
    wire.report(received(sender))
    assert opted_out() == []


def test_a_stop_of_another_account_counts_there_only(
    api: Api, tenant: Tenant, other_tenant: Tenant, wire: Wire
) -> None:
    accept(api, tenant, phone="+48600100200")
    accept(api, other_tenant, phone="+48600100200")
    Wire(api, pair_phone(other_tenant)).report(received("600100200"))
    assert OptOut.objects.get().account_id == other_tenant.keys.account_id


def test_the_look_up_stays_one_by_index_however_much_was_sent(api: Api, tenant: Tenant) -> None:
    accept(api, tenant)
    columns = ", ".join(
        str(f.column) for f in Message._meta.fields if f.name not in {"id", "phone", "external_id"}
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO messaging_message (phone, {columns})"
            f" SELECT '+48' || (600000000 + n), {columns}"
            " FROM messaging_message, generate_series(1, 5000) AS n"
        )
        cursor.execute("ANALYZE messaging_message")
        cursor.execute(
            f"EXPLAIN {senders._KNOWN}",
            {"account": tenant.keys.account_id, "phones": ["+48600100200", "+4860"]},
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "message_phone" in plan, plan
    assert "Seq Scan on messaging_message" not in plan, plan
    assert "hashed SubPlan" not in plan, plan


# --- START ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", [opt_outs.Source.API, opt_outs.Source.ADMIN])
def test_start_takes_back_only_what_came_by_sms(
    tenant: Tenant, wire: Wire, source: opt_outs.Source
) -> None:
    opt_outs.opt_out(tenant.keys.account_id, "+48600100200", source)
    wire.report(received("+48600100200", "STOP"), received("+48600100200", "START"))
    assert OptOut.objects.get().source == source


def test_start_takes_nothing_back_that_the_owner_asked_for_after_the_sms(
    api: Api, tenant: Tenant, wire: Wire
) -> None:
    wire.report(received("+48600100200"))
    response = api.post("/api/opt-outs/", {"phone": "+48600100200"}, **tenant.headers)
    assert (response.status_code, response.json()["source"]) == (200, "api")
    wire.report(received("+48600100200", "START"))
    assert opted_out() == ["+48600100200"]


def test_nor_that_the_owner_put_on_a_list_with_others_after_the_sms(
    tenant: Tenant, wire: Wire
) -> None:
    wire.report(received("+48600100200"))
    opt_outs.opt_out_all(
        tenant.keys.account_id, ["+48600100200", "+48600100201"], opt_outs.Source.API
    )
    wire.report(received("+48600100200", "START"))
    assert opted_out() == ["+48600100200", "+48600100201"]


def test_the_words_are_the_accounts(tenant: Tenant, wire: Wire) -> None:
    tenant.set_rules(stop_words="genug", start_words="wieder")
    wire.report(received("+48600100200", "REZYGNUJĘ"))
    assert opted_out() == []
    wire.report(received("+48600100200", "Genug!"), received("+48600100201", "𝐒𝐓𝐎𝐏"))
    assert opted_out() == ["+48600100200", "+48600100201"]
    wire.report(received("+48600100200", "Start"), received("+48600100201", "Wieder"))
    assert opted_out() == ["+48600100200"]


# --- what is kept --------------------------------------------------------------------------------


def kept() -> list[str]:
    return list(InboundMessage.objects.order_by("pk").values_list("text", flat=True))


def report_three(api: Api, tenant: Tenant, wire: Wire) -> None:
    accept(api, tenant, phone="+48600100200")
    wire.report(
        received("600100200", "an answer"),
        received("BANK", "your code is 1234"),
        received("+48600100201", "STOP"),
    )


def test_a_new_account_keeps_answers_and_keywords_only(
    api: Api, tenant: Tenant, wire: Wire
) -> None:
    report_three(api, tenant, wire)
    assert kept() == ["an answer", "STOP"]
    assert opted_out() == ["+48600100201"]


@pytest.mark.parametrize(
    ("account", "of_phone", "texts"),
    [
        ("all", "", ["an answer", "your code is 1234", "STOP"]),
        ("nothing", "", []),
        ("all", "nothing", []),
        ("nothing", "known", ["an answer", "STOP"]),
    ],
)
def test_the_owner_chooses_what_is_kept_and_stop_is_heard_all_the_same(
    api: Api, tenant: Tenant, phone: Phone, wire: Wire,
    account: str, of_phone: str, texts: list[str],
) -> None:  # fmt: skip
    tenant.set_rules(kept_sms=account)
    type(phone.device).objects.update(kept_sms=of_phone)
    report_three(api, tenant, wire)
    assert kept() == texts
    assert opted_out() == ["+48600100201"]


def test_a_stranger_who_has_opted_out_stays_a_stranger(wire: Wire) -> None:
    wire.report(received("+48600100201"), received("+48600100201", "private"))
    assert kept() == ["STOP"]


def test_of_what_is_not_kept_only_its_id_is_stored_so_that_it_is_heard_once(
    tenant: Tenant, wire: Wire
) -> None:
    tenant.set_rules(kept_sms="nothing")
    stop = received("+48600100200")
    wire.report(stop, received("+48600100200", "START"))
    wire.report(stop)
    assert opted_out() == []
    row = Event.objects.filter(event_id=stop["event_id"]).values().get()
    assert not {"+48600100200", "STOP"} & set(map(str, row.values()))


# --- times ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("2026-04-09T16:00:00.123+02:00", "2026-04-09T14:00:00Z"),
        ("2026-04-09T14:00:00Z", "2026-04-09T14:00:00Z"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
        ("2026-04-09T14:00:00", None),
        ("yesterday", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("2026-02-30T14:00:00Z", None),
        (7, None),
        ("", None),
    ],
)
def test_the_inbox_shows_when_an_sms_was_sent_and_came(
    api: Api, tenant: Tenant, all_sms_kept: None, wire: Wire, given: Any, shown: str | None
) -> None:
    wire.report(received("+48600100200", "Hi", wall_time=given, sent_time=given))
    (one,) = api.get("/api/inbox/", tenant).json()["results"]
    assert (one["arrived_at"], one["sent_at"]) == (shown, shown)


# --- bounds --------------------------------------------------------------------------------------


def test_a_text_longer_than_any_sms_is_cut(all_sms_kept: None, wire: Wire) -> None:
    wire.report(received("+48600100200", "ż" * 39_016))
    assert kept() == ["ż" * 39_015]


@pytest.mark.parametrize(
    "sender",
    [
        "tel:+4915112345678", "TEL:+49-151-12345678;phone-context=example", "++4915112345678",
        "sip:+4915112345678@ims.mnc001.mcc262.3gppnetwork.org", "sip:4915112345678;user=phone",
        "+4915112345678@mms.example", "+4915112345678/TYPE=PLMN", "smsto:+4915112345678?body=x",
        "\u202atel:+4915112345678\u202c", " +4915112345678;npdi",
    ],
)  # fmt: skip
def test_stop_is_heard_from_a_number_within_an_address(wire: Wire, sender: str) -> None:
    wire.report(received(sender))
    assert opted_out() == ["+4915112345678"]
    assert InboundMessage.objects.get().sender == "+4915112345678"


@pytest.mark.parametrize("sender", ["600100200@example.com", "tel:BANK", "sip:info@600100200.pl"])
def test_digits_of_another_address_are_no_number(
    api: Api, tenant: Tenant, wire: Wire, sender: str
) -> None:
    accept(api, tenant, phone="+48600100200")
    wire.report(received(sender))
    assert opted_out() == []


# Argentina's mobile numbers are written with and without a 9, Mexico's were with and without a 1.
TWO_SPELLINGS = [("+5491123456789", "+541123456789"), ("+541123456789", "+5491123456789")]


@pytest.mark.parametrize(("written_to", "other"), TWO_SPELLINGS)
def test_stop_holds_for_the_other_spelling_of_the_same_number(
    api: Api, tenant: Tenant, wire: Wire, written_to: str, other: str
) -> None:
    accept(api, tenant, phone=written_to)
    waiting = accept(api, tenant, "b", phone=other, send_after="2099-01-01T10:00:00")
    wire.report(received(written_to))
    assert status(waiting) == "cancelled"
    for number in (written_to, other):
        answer = api.post("/api/messages/", tenant.message("c", phone=number))
        assert answer.json()["code"] == "opted_out"
    wire.report(received(other, "START"))
    assert opted_out() == []


@pytest.mark.parametrize(("given", "other"), TWO_SPELLINGS)
def test_an_owners_opt_out_holds_for_both_spellings_and_is_taken_back_for_both(
    api: Api, tenant: Tenant, wire: Wire, given: str, other: str
) -> None:
    api.post("/api/opt-outs/", {"phone": given}, **tenant.headers)
    answer = api.post("/api/messages/", tenant.message(phone=other))
    assert answer.json()["code"] == "opted_out"
    wire.report(received(other, "START"))
    assert len(opted_out()) == 2
    assert api.delete(f"/api/opt-outs/{other}/", tenant).status_code == 204
    assert opted_out() == []


@pytest.mark.parametrize("action", ["delete", "delete_selected"])
def test_an_opt_out_that_the_admin_deletes_is_gone_in_both_spellings(
    tenant: Tenant, admin_client: Any, action: str
) -> None:
    row, _ = opt_outs.opt_out(tenant.license.account_id, "+5491123456789", opt_outs.Source.API)
    path, body = reverse("admin:messaging_optout_delete", args=[row.pk]), {"post": "yes"}
    if action == "delete_selected":
        path = reverse("admin:messaging_optout_changelist")
        body |= {"action": action, "_selected_action": str(row.pk)}
    assert admin_client.post(path, body).status_code == 302
    assert opted_out() == []


def test_stop_is_heard_from_a_country_code_behind_one_zero(
    api: Api, tenant: Tenant, wire: Wire
) -> None:
    accept(api, tenant, phone="+48600100200")
    wire.report(received("048600100200"), received("048600100299"))
    assert opted_out() == ["+48600100200"]


def said(text: str, sent_time: str) -> dict[str, Any]:
    return received("+48600100200", text, sent_time=sent_time)


def test_a_start_that_was_said_before_the_stop_takes_nothing_back_whenever_it_is_told(
    wire: Wire,
) -> None:
    """A phone was off, tells in another order, or the same again under another id."""
    start, stop = said("START", "2026-04-09T14:00:00Z"), said("STOP", "2026-04-09T16:05:00+02:00")
    for told in ([start], [stop], [start | {"event_id": str(uuid4())}], [stop, start], [start]):
        wire.report(*(event | {"event_id": str(uuid4())} for event in told))
    assert opted_out() == ["+48600100200"]
    wire.report(said("START", "2026-04-09T14:06:00Z"))
    assert opted_out() == []


def test_a_second_stop_counts_from_when_it_was_said(wire: Wire) -> None:
    wire.report(said("STOP", "2026-04-09T14:00:00Z"), said("STOP", "2026-04-09T14:10:00Z"))
    wire.report(said("START", "2026-04-09T14:05:00Z"), said("STOP", "2026-04-09T13:00:00Z"))
    wire.report(said("START", "2026-04-09T14:09:59Z"))
    assert opted_out() == ["+48600100200"]


def test_a_network_whose_clock_is_ahead_keeps_nobody_out_for_ever(
    wire: Wire, manual_clock: ManualClock
) -> None:
    wire.report(said("STOP", "2036-04-09T14:00:00Z"))
    manual_clock.advance(minutes=1)
    wire.report(said("START", "2036-04-09T13:59:00Z"))
    assert opted_out() == []


def test_without_the_networks_time_the_order_of_telling_counts(wire: Wire) -> None:
    wire.report(said("STOP", "2026-04-09T14:00:00Z"), received("+48600100200", "START"))
    assert opted_out() == []
