"""What a body may look like: all tolerances that real clients need, and every refusal."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from contacts.models import Contact
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


def test_a_leading_space_in_json_is_no_plus(api: Api, tenant: Tenant) -> None:
    refused(api.post(URL, tenant.message(phone=" 49301234567890")), 400, "invalid", "phone")


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
        '"message":"first"',  # given twice: the last one counts
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
