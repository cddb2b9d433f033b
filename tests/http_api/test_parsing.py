"""What a body may look like: all tolerances that real clients need, and every refusal."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from contacts.models import Contact
from http_api.body_limits import MAX_JSON_VALUES
from http_api.errors import ApiError
from http_api.parsing import WINDOW, parse_form, parse_json
from licenses import tokens
from messaging.models import Message
from tests.conftest import Api, Tenant, refused

URL = "/api/messages/"
BULK = "/api/messages/bulk/"
CONTACTS = "/api/contacts/contacts/"
GROUPS = "/api/contacts/groups/"
FORM = "application/x-www-form-urlencoded"
BOUNDARY = "XxBoundaryxX"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"


def multipart(fields: dict[str, str]) -> bytes:
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    return ("".join(parts) + f"--{BOUNDARY}--\r\n").encode()


@pytest.mark.parametrize("before", ["", " \r\n\t", "\ufeff", "\ufeff \n"])
@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "application/json",
        "application/json; charset=utf-8",
        "APPLICATION/JSON",
        "text/plain",
        "text/plain;charset=UTF-8",
        FORM,
        f"{FORM}; charset=UTF-8",
        "application/octet-stream",
        "nonsense",
    ],
)
def test_it_reads_json_whatever_the_content_type_says(
    api: Api, tenant: Tenant, content_type: str, before: str
) -> None:
    body = before + json.dumps(tenant.message(message="Zażółć 😀"), ensure_ascii=False)
    response = api.raw(URL, body.encode(), content_type)
    assert response.status_code == 201, response.content
    assert response.json()["message"] == "Zażółć 😀"


@pytest.mark.parametrize(
    "text",
    [
        "  spaces around  ",
        "\r\n lines \n\n",
        "e\u0301 and é",  # not normalised
        "\t\x0b\x0c\x1b",
        "\u200b\u00a0\ufeff",
        " ",
        "{name} {} %s",
        '"quotes" \\ and </script>',
        "\ufffd",
    ],
)
def test_it_stores_texts_byte_for_byte(api: Api, tenant: Tenant, text: str) -> None:
    for number, escaped in enumerate((True, False)):
        fields = tenant.message(f"a-{number}", message=text)
        response = api.raw(URL, json.dumps(fields, ensure_ascii=escaped))
        assert response.status_code == 201, response.content
        assert response.json()["message"] == text
    assert set(Message.objects.values_list("text", flat=True)) == {text}


@pytest.mark.parametrize("text", [" a\r\nb ", "50% + 1 & more = ?", "\ufffd", "zażółć"])
def test_it_stores_texts_from_forms_byte_for_byte(api: Api, tenant: Tenant, text: str) -> None:
    fields = tenant.message("a-1", message=text)
    assert api.raw(URL, urlencode(fields), FORM).json()["message"] == text
    fields = tenant.message("a-2", message=text)
    assert api.raw(URL, multipart(fields), MULTIPART).json()["message"] == text


def test_it_takes_forms_on_every_single_endpoint(api: Api, tenant: Tenant) -> None:
    keys = tenant.with_keys()
    bodies: list[tuple[str, dict[str, Any]]] = [
        (URL, tenant.message("f-{0}", priority="7", send_before="", extra="1")),
        (
            CONTACTS,
            keys | {"name": "Jan {0}", "phone": "+4812345678{0}", "ignore_foreign_numbers": "true"},
        ),
        (GROUPS, keys | {"name": "VIP"}),
    ]
    for path, fields in bodies:
        for number, content_type in enumerate((FORM, MULTIPART)):
            filled = {name: value.replace("{0}", str(number)) for name, value in fields.items()}
            body = urlencode(filled) if content_type == FORM else multipart(filled)
            response = api.raw(path, body, content_type)
            assert response.status_code == 201, (path, content_type, response.content)
    assert set(Message.objects.values_list("priority", flat=True)) == {7}
    assert sorted(Contact.objects.values_list("name", flat=True)) == ["Jan 0", "Jan 1"]


@pytest.mark.parametrize(
    ("phone", "stored"),
    [
        ("+48123456789", "+48123456789"),  # curl -d decodes to a leading space
        ("%2B48123456789", "+48123456789"),
        ("%2049123456789", "+49123456789"),  # n8n's form as a string
        ("123456789", "+48123456789"),
        ("+44 20 7946 0958", "+442079460958"),
    ],
)
def test_a_leading_space_in_a_form_is_the_plus_that_was_eaten(
    api: Api, tenant: Tenant, phone: str, stored: str
) -> None:
    fields = tenant.message()
    del fields["phone"]
    response = api.raw(URL, f"{urlencode(fields)}&phone={phone}", FORM)
    assert response.status_code == 201, response.content
    assert response.json()["phone"] == stored


@pytest.mark.parametrize("word", ["1", "on", "yes", "true", "True", "0", "off", "no", "FALSE"])
def test_a_boolean_of_a_form_is_what_html_and_people_write(
    api: Api, tenant: Tenant, word: str
) -> None:
    person = {"name": "Jan", "phone": "+447700900123", "message": "Hi"}
    person |= {"send_after": "2026-04-10T09:00:00", "ignore_foreign_numbers": word}
    for content_type in (FORM, MULTIPART):
        fields = tenant.with_keys(**person)
        body = urlencode(fields) if content_type == FORM else multipart(fields)
        response = api.raw(CONTACTS, body, content_type)
        assert response.status_code < 300, response.content
    assert Message.objects.exists() == (word.lower() in {"0", "off", "no", "false"})


@pytest.mark.parametrize("word", ["1", "on", 1, 0, "yes", "perhaps"])
def test_a_boolean_of_json_is_true_or_false(api: Api, tenant: Tenant, word: Any) -> None:
    body = tenant.with_keys(name="Jan", phone="+48123456789", ignore_foreign_numbers=word)
    refused(api.post(CONTACTS, body), 400, "invalid", "ignore_foreign_numbers")


def test_a_leading_space_in_json_is_no_plus(api: Api, tenant: Tenant) -> None:
    refused(api.post(URL, tenant.message(phone=" 49301234567890")), 400, "invalid", "phone")


def test_of_two_values_of_a_form_nobody_guesses_which_is_meant(api: Api, tenant: Tenant) -> None:
    body = f"license__key={tenant.keys.license_key}&external_id=a&message=x&phone=601234567"
    answer = refused(api.raw(URL, f"{body}&phone=602345678", FORM), 400, "malformed")
    assert answer["message"] == 'The field "phone" stands twice, with two values.'
    hook = f"/hooks/{tokens.issue(tokens.Kind.HOOK, tenant.license.pk)}/"
    query = "phone=601234567&phone=602345678&message=x"
    refused(api.client.get(f"{hook}?{query}"), 400, "malformed")
    refused(api.client.get(f"{URL}?limit=1&limit=2", headers=tenant.headers), 400, "malformed")
    assert api.raw(URL, f"{body}&phone=601234567", FORM).status_code == 201  # the same, twice


def test_a_form_on_a_bulk_route_is_told_that_a_list_is_needed(api: Api, tenant: Tenant) -> None:
    fields = {"license__key": tenant.keys.license_key, "messages": "x"}
    refused(api.raw(BULK, urlencode(fields), FORM), 400, "invalid", "messages")


def nested(levels: int) -> str:
    """A member whose value brings the whole body to so many levels."""
    return '"x":' + "[" * (levels - 1) + "]" * (levels - 1)


@pytest.mark.parametrize(
    "member",
    [
        '"x":null',
        '"":""',
        '"x":{"y":[1,2.5,true,{"z":null}]}',
        nested(16),
        '"x":' + "9" * 40,
        '"x":-' + "9" * 40,
        '"x":0.' + "9" * 39,
        '"x":"\\ud83d\\ude00"',
        '"x":"\\\\u0000"',
        '"x":1e300',
    ],
)
def test_it_ignores_unknown_keys_whatever_they_hold(api: Api, tenant: Tenant, member: str) -> None:
    body = json.dumps(tenant.message())
    response = api.raw(URL, "{" + member + "," + body[1:])
    assert response.status_code == 201, response.content
    assert response.json()["message"] == "Hello"


@pytest.mark.parametrize(
    "member",
    [
        '"x":NaN',
        '"x":Infinity',
        '"x":-Infinity',
        '"x":1e999',
        '"x":' + "9" * 41,
        '"x":-' + "9" * 41,
        '"x":0.' + "9" * 40,
        '"x":"\\u0000"',
        '"\\u0000":1',
        '"x":"\0"',
        '"x":"\\ud800"',
        '"x":"\\uDFFF"',
        '"\\udc00":1',
        '"x":["\\ude00\\ud83d"]',
        '"x":{"y":{"\\ud83d":1}}',
        '"x":"\n"',
        nested(17),
        nested(5000),
        "'x':1",
        '"x":01',
        '"x":0x1',
        '"x":"\\x00"',
        "x:1",
        '"x":1,',
        "/* */",
    ],
)
def test_it_refuses_what_is_no_strict_json(api: Api, tenant: Tenant, member: str) -> None:
    body = json.dumps(tenant.message())
    for content_type in ("application/json", FORM):
        response = api.raw(URL, "{" + member + "," + body[1:], content_type)
        refused(response, 400, "malformed")
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b'[{"license__key":"ABC123"}]',
        b'"text"',
        b"1",
        b"null",
        b"true",
        b"\xff",
        b"\xef\xbb\xbf",
        b'{"message":"\xe9t\xe9"}',  # Latin-1
        b'{"message":"\xed\xa0\x80"}',  # a surrogate as if it were UTF-8
        b'{"message":"\xc0\x80"}',  # overlong
        '{"message":"x"}'.encode("utf-16"),
        b'{"message":"x"} {}',
        b'{"message":"x"',
        b'{"message":"x',
        b"{",
        b"[",
        b"{{ $json.text }}",
        b"<xml/>",
    ],
)
def test_it_refuses_a_body_that_is_no_json_object(api: Api, tenant: Tenant, body: bytes) -> None:
    answers = [
        api.raw(path, body, content_type)
        for path in (URL, BULK, CONTACTS, GROUPS, "/api/contacts/groups/bulk/", "/api/opt-outs/")
        for content_type in ("application/json", "text/plain", "")
    ]
    for answer in answers:
        refused(answer, 400, "malformed")


def test_a_body_cut_anywhere_is_refused(api: Api, tenant: Tenant) -> None:
    body = json.dumps(tenant.message(message="Zażółć 😀"), ensure_ascii=False).encode()
    for length in range(1, len(body)):
        refused(api.raw(URL, body[:length]), 400, "malformed")
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (FORM, b"phone=%00"),
        (FORM, b"%00=1"),
        (FORM, b"message=%ff"),
        (FORM, b"message=%ED%A0%80"),
        (FORM, b"message=\xe9t\xe9"),
        ("multipart/form-data", b"--X\r\n"),
        (MULTIPART, multipart({"message": "a\0b"})),
        (MULTIPART, multipart({"message": "@"}).replace(b"@", b"\xff")),
        (MULTIPART, b"nonsense"),
        (MULTIPART, b'{"license__key":"ABC123"}'),
    ],
)
def test_it_refuses_broken_forms(api: Api, tenant: Tenant, content_type: str, body: bytes) -> None:
    refused(api.raw(URL, body, content_type), 400, "malformed")


def test_a_multipart_body_cut_anywhere_is_refused(api: Api, tenant: Tenant) -> None:
    """A text must never be sent in halves."""
    fields = {name: str(value) for name, value in tenant.message().items()}
    body = multipart(fields)
    complete = len(body) - len("--\r\n")
    for length in range(1, complete, 7):
        refused(api.raw(URL, body[:length], MULTIPART), 400, "malformed")
    assert not Message.objects.exists()


def test_raw_utf_8_in_a_form_is_taken(api: Api, tenant: Tenant) -> None:
    """What `curl -d` sends where its user encoded nothing."""
    fields = {**tenant.message(), "message": "Zażółć 😀", "imię": "Żaneta"}
    body = "&".join(f"{name}={value}" for name, value in fields.items()).encode()
    assert api.raw(URL, body, FORM).json()["message"] == "Zażółć 😀"
    fields["external_id"] = "a-2"
    assert api.raw(URL, multipart(fields), MULTIPART).json()["message"] == "Zażółć 😀"


def test_a_file_in_a_form_is_ignored(api: Api, tenant: Tenant) -> None:
    body = multipart(tenant.message()).replace(
        b'name="message"', b'name="message"; filename="a.txt"'
    )
    refused(api.raw(URL, body, MULTIPART), 400, "invalid", "message")


def test_a_form_with_thousands_of_fields_is_refused(api: Api, tenant: Tenant) -> None:
    body = urlencode({f"f{number}": "" for number in range(1100)})
    refused(api.raw(URL, body, FORM), 400, "malformed")


def test_a_form_s_escapes_take_no_more_memory_than_its_text() -> None:
    body = b"a=%F0%9F%98%80" + b"%41" * 300_000
    tracemalloc.start()
    try:
        assert parse_form(body) == {"a": "\N{GRINNING FACE}" + "A" * 300_000}
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * len(body)


@pytest.mark.parametrize(
    "form", ["a=1&&b=&c&=d", "a%3Db=%26+%2B&a=x=y", "a=%zz%4&b=%", "a=%C5%82%c5%82 z", "a=1;b=2"]
)
def test_a_form_is_read_as_python_s_own_library_reads_it(form: str) -> None:
    expected = {name: value for name, value in parse_qsl(form, True) if value}
    assert parse_form(form.encode()) == expected


@pytest.mark.parametrize("part", ['Content-Disposition: form-data; name="a"', "X: y", ""])
def test_a_form_with_thousands_of_parts_is_refused(api: Api, tenant: Tenant, part: str) -> None:
    body = f"--{BOUNDARY}\r\n{part}\r\n\r\nx\r\n" * 1100 + f"--{BOUNDARY}--\r\n"
    answer = refused(api.raw(BULK, body.encode(), MULTIPART), 400, "malformed")
    assert "more than 1000 fields" in str(answer)


@pytest.mark.parametrize("body", [b"", b" \r\n"])
@pytest.mark.parametrize("content_type", ["", "application/json", FORM, MULTIPART])
def test_an_empty_body_lacks_its_key(
    api: Api, tenant: Tenant, content_type: str, body: bytes
) -> None:
    refused(api.raw(URL, body, content_type), 400, "invalid", "license__key")
    refused(api.raw(GROUPS, body, content_type), 400, "invalid", "key", "api_key")


def test_the_refusal_never_quotes_the_body(api: Api, tenant: Tenant) -> None:
    response = api.raw(URL, b'{"license__key":"SECRET", "message": "private" oops')
    body = refused(response, 400, "malformed")
    assert "SECRET" not in str(body)
    assert "private" not in str(body)


@pytest.mark.parametrize("escape", ["\\\\", '\\"', '\\\\\\"'])
def test_an_escape_on_the_edge_of_two_windows_ends_no_text(escape: str) -> None:
    """Commas of a text are no values, and none is read as outside of it."""
    for before in range(len(escape) + 1):
        text = "a" * (WINDOW - len('{"a": "') - before) + escape + "," * MAX_JSON_VALUES
        assert parse_json(f'{{"a": "{text}"}}'.encode())["a"].endswith(",")


def test_values_are_counted_over_all_windows() -> None:
    with pytest.raises(ApiError, match="malformed"):
        parse_json(b'{"a": [' + b'"' + b"a" * WINDOW + b'",' + b"1," * MAX_JSON_VALUES + b"1]}")


def test_half_a_surrogate_on_the_edge_of_two_windows_is_refused() -> None:
    for before in range(7):
        text = "a" * (WINDOW - len('{"a": "') - before)
        with pytest.raises(ApiError, match="malformed"):
            parse_json(f'{{"a": "{text}\\udc00"}}'.encode())


@pytest.mark.parametrize("number", ["1" * 41, "-1." + "1" * 40, "1e-" + "1" * 40, "1" * 500_000])
def test_a_number_has_forty_digits_at_most(number: str) -> None:
    with pytest.raises(ApiError, match="malformed"):
        parse_json(f'{{"a": {number}}}'.encode())


def test_forty_digits_may_have_a_sign_a_point_and_an_exponent() -> None:
    assert parse_json(b'{"a": -1.' + b"1" * 37 + b"e-11}")["a"] < 0
