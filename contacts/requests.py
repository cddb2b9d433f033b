"""Requests of the contact, group and template routes."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
    field_validator,
    model_validator,
)

from contacts import imports, people, spreadsheets
from contacts.imports import Choices
from contacts.models import Import
from contacts.selectors import ContactFilter
from contacts.services import Consent, ContactDraft, ContactSms
from contacts.spreadsheets import Reading
from http_api.pagination import MAX_PAGE, PAGE, Page
from http_api.parsing import Upload
from http_api.shapes import (
    MAX_ID,
    Boolean,
    Id,
    Identifier,
    Integer,
    Shape,
    problem,
    problems_by_field,
)
from messaging.drafts import DEFAULT_PRIORITY, ClientTime, Invalid
from messaging.fields import CallbackUrl, Phone, Priority, Text, Time
from messaging.segments import LONGEST

Name = Annotated[Identifier, Field(min_length=1, max_length=255)]


def _field_name(value: str) -> str:
    if words := people.field_problem(value):
        raise problem(words)
    return value


Fields = Annotated[
    dict[
        Annotated[str, AfterValidator(_field_name)],
        Annotated[Identifier, Field(max_length=people.LONGEST)],
    ],
    Field(
        max_length=people.MOST_FIELDS,
        description="Names and texts of your own: all that it has afterwards.",
    ),
]
ConsentNote = Annotated[
    str,
    Field(
        max_length=255,
        description="By what this person agreed to be written to; when, and whose key said so, is kept.",
    ),
]
Key = Annotated[Identifier | None, Field(description="Licence key, 6–12 characters.")]
ApiKey = Annotated[Identifier | None, Field(description="API key, exactly 12 characters.")]


# Generators of clients take no enumeration with a tab.
_Delimiter = Annotated[
    Literal[";", ",", "\t", "|"], WithJsonSchema({"type": "string", "pattern": r"^[;,|\t]$"})
]


class _Keys(Shape):
    key: Key = None
    api_key: ApiKey = None


class ContactItem(Shape):
    """One contact of a bulk."""

    name: Name
    phone: Phone
    group_name: Name | None = None
    message: Text | None = None
    send_after: Annotated[Time | None, Field(validate_default=True)] = None
    send_before: Time | None = None
    priority: Priority = DEFAULT_PRIORITY
    fields: Fields | None = None
    consent_note: ConsentNote = ""

    @field_validator("send_after")
    @classmethod
    def _message_needs_a_start(
        cls, value: ClientTime | None, info: ValidationInfo
    ) -> ClientTime | None:
        if value is None and info.data.get("message") is not None:
            raise problem("is required when message is given")
        return value

    def draft(self) -> ContactDraft:
        sms = None
        if self.message is not None and self.send_after is not None:
            sms = ContactSms(self.message, self.send_after, self.send_before, self.priority)
        return ContactDraft(
            self.name, self.phone, self.group_name, sms, self.fields, self.consent_note
        )


class SingleContact(_Keys, ContactItem):
    """Body of `POST /api/contacts/contacts/`."""

    ignore_foreign_numbers: Boolean = False
    callback_url: CallbackUrl = ""


def _invalid_item(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    try:
        return handler(value)
    except ValidationError as error:
        return Invalid(problems_by_field(error))


class BulkContacts(_Keys):
    """Body of `POST /api/contacts/contacts/bulk/`. `all_or_nothing` has no effect, as documented."""

    contacts: Annotated[
        list[Annotated[ContactItem, WrapValidator(_invalid_item)]],
        Field(min_length=1, max_length=500),
    ]
    ignore_foreign_numbers: Boolean = False
    callback_url: CallbackUrl = ""
    all_or_nothing: Boolean = False

    def items(self) -> list[ContactDraft | Invalid]:
        items: list[ContactItem | Invalid] = list(self.contacts)
        return [item if isinstance(item, Invalid) else item.draft() for item in items]


MAX_GROUPS = 200


class ChangedContact(_Keys):
    """Body of `PATCH /api/contacts/contacts/{id}/`: what is absent stays as it is."""

    name: Name | None = None
    phone: Phone | None = None
    group_ids: Annotated[
        list[Id] | None,
        Field(max_length=MAX_GROUPS, description="All groups that it is in afterwards."),
    ] = None
    fields: Fields | None = None
    consent_note: ConsentNote = ""


class ChosenContacts(_Keys):
    """Body of `POST /api/contacts/contacts/delete/`."""

    ids: Annotated[list[Id], Field(min_length=1, max_length=500)]


class MergedContacts(_Keys):
    """Body of `POST /api/contacts/contacts/{id}/merge/`, and of groups."""

    ids: Annotated[
        list[Id],
        Field(min_length=1, max_length=200, description="The others, which are deleted."),
    ]


class ContactQuery(Page):
    """Query of `GET /api/contacts/contacts/`."""

    search: Annotated[
        str | None,
        Field(max_length=255, description="A part of the name, in any case, or of the number."),
    ] = None
    phone: Phone | None = None
    group: Annotated[Id | None, Field(description="The group's id.")] = None

    def filter(self) -> ContactFilter:
        return ContactFilter(self.search, self.phone, self.group, below=self.cursor or MAX_ID)


def _columns(value: object) -> object:
    return [one.strip() for one in value.split(",")] if isinstance(value, str) else value


class _Reading(_Keys):
    """How a file is read, and what its rows are imported as; what is absent is guessed."""

    encoding: Annotated[
        Literal["utf-8", "utf-16", "cp1250", "iso8859-2", "iso8859-1"] | None,
        Field(description="Of a text file."),
    ] = None
    delimiter: Annotated[
        _Delimiter | None, Field(description="Of a text file: `;`, `,`, `|` or a tab.")
    ] = None
    sheet: Annotated[
        str | None, Field(max_length=255, description="Of a workbook: the sheet's name.")
    ] = None
    has_header: Annotated[
        Boolean | None, Field(description="Whether the first row names the columns.")
    ] = None
    columns: Annotated[
        list[Annotated[str, Field(max_length=300)]] | None,
        BeforeValidator(_columns),
        Field(
            max_length=spreadsheets.MOST_COLUMNS,
            description="What each column is, in their order: `phone`, `name`, `first_name`,"
            " `last_name`, `groups` (parted by `;`), `field:NAME`, or nothing, which passes it over.",
        ),
    ] = None
    group_name: Annotated[Name | None, Field(description="A group for all of them.")] = None
    known: Annotated[
        Literal["keep", "overwrite", "skip"] | None,
        Field(
            description="Who is known already: keeps name and fields, and gets what was missing"
            " (`keep`, where nothing is said); gets the file's (`overwrite`); is passed over (`skip`)."
        ),
    ] = None

    def reading(self) -> Reading:
        return Reading(self.sheet or "", self.encoding or "", self.delimiter or "")

    def choices(self, found: Import) -> Choices:
        """Return what is chosen; the rest is as it was, or was guessed."""
        return Choices(
            columns=found.columns if self.columns is None else self.columns,
            group=found.group if self.group_name is None else self.group_name,
            known=imports.Known(self.known or found.known),
        )


class _Consent(Shape):
    consent: Annotated[
        Boolean,
        Field(description="That these people agreed to be written to; contacts need it."),
    ] = False
    consent_note: ConsentNote = ""

    def given(self, by: str) -> Consent | None:
        return Consent(self.consent_note, by) if self.consent else None


def _file(value: object) -> Upload:
    if not isinstance(value, Upload):
        raise problem("send it as a file of a multipart form")
    return value


File = Annotated[
    Upload,
    PlainValidator(_file),
    WithJsonSchema(
        {
            "type": "string",
            "format": "binary",
            "description": "CSV or text, xlsx, xls, xlsb or ods; at most 10 MiB and 100,000 rows.",
        }
    ),
]


class NewImport(_Reading, _Consent):
    """Body of `POST /api/contacts/imports/`: a form with a file, or JSON with a text."""

    file: File | None = None
    text: Annotated[str | None, Field(description="In place of a file: a table as text.")] = None
    columns: Annotated[
        list[Annotated[str, Field(max_length=300)]] | None,
        BeforeValidator(_columns),
        Field(max_length=spreadsheets.MOST_COLUMNS),
        WithJsonSchema(
            {
                "type": "string",
                "description": "As of a change, parted by commas; a list in JSON does the same.",
            }
        ),
    ] = None
    kind: Annotated[Literal["contacts", "opt_outs"], Field(description="What the rows are.")] = (
        "contacts"
    )
    start: Annotated[
        Boolean, Field(description="false: only check it, and say what would come of it.")
    ] = True

    @model_validator(mode="after")
    def _is_given(self) -> NewImport:
        if (self.file is None) == (self.text is None):
            raise problem("send a file or a text")
        return self

    def upload(self) -> Upload:
        return self.file or Upload.of("", (self.text or "").encode())


class ChangedImport(_Reading):
    """Body of `PATCH /api/contacts/imports/{id}/`: what is absent stays as it is."""

    @property
    def reads_anew(self) -> bool:
        given = (self.encoding, self.delimiter, self.sheet, self.has_header)
        return any(one is not None for one in given)


class StartedImport(_Keys, _Consent):
    """Body of `POST /api/contacts/imports/{id}/start/`."""


class ProblemQuery(Shape):
    """Query of `GET /api/contacts/imports/{id}/problems/`."""

    after: Annotated[
        Integer, Field(ge=0, le=MAX_ID, description="Rows behind this one; from `next`.")
    ] = 0
    limit: Annotated[Integer, Field(ge=1, le=MAX_PAGE, description="Entries of a page.")] = PAGE


class GroupItem(Shape):
    """A group's name; names match exactly and need not be unique."""

    name: Name


class SingleGroup(_Keys, GroupItem):
    """Body of `POST /api/contacts/groups/`."""


class BulkGroups(_Keys):
    """Body of `POST /api/contacts/groups/bulk/`."""

    groups: Annotated[list[GroupItem], Field(min_length=1, max_length=200)]


class ChangedGroup(_Keys, GroupItem):
    """Body of `PATCH /api/contacts/groups/{id}/`."""


class GroupQuery(Page):
    """Query of `GET /api/contacts/groups/`."""

    search: Annotated[
        str | None, Field(max_length=255, description="A part of the name, in any case.")
    ] = None


TemplateText = Annotated[
    str,
    Field(
        min_length=1,
        max_length=LONGEST,
        description="Each `{…}` in it is a variable: `{name}`, or a field of the contact.",
    ),
]


class NewTemplate(_Keys):
    """Body of `POST /api/templates/`."""

    name: Name
    text: TemplateText


class ChangedTemplate(_Keys):
    """Body of `PATCH /api/templates/{id}/`: what is absent stays as it is."""

    name: Name | None = None
    text: TemplateText | None = None


class RenderedFor(_Keys):
    """Body of `POST /api/templates/{id}/render/`."""

    phone: Annotated[
        Phone | None, Field(description="Whose values are taken, where a contact has this number.")
    ] = None
    variables: Annotated[
        dict[str, Annotated[Identifier, Field(max_length=people.LONGEST)]],
        Field(
            max_length=people.MOST_FIELDS + 1,
            description="Values by the names of variables; they come before the contact's.",
        ),
    ] = {}
