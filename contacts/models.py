"""People, the groups they are in, and the texts that are written to them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import CharField, F, Func, Q
from django.db.models.functions import Collate
from django.utils import timezone

from licenses.models import Account
from messaging.models import PHONE_LENGTH, stored_phone


class Folded(Func):
    """A name without its case and its Polish marks, as it is looked for.

    A database of the locale C knows ASCII's case alone: both cases of these letters are named.
    """

    template = (
        "translate(lower(%(expressions)s), 'ąćęłńóśźżĄĆĘŁŃÓŚŹŻ', 'acelnoszzacelnoszz')"
        ' COLLATE "C"'
    )
    output_field = CharField()


class LastWord(Func):
    template = "substring(%(expressions)s from '[^ ]+$')"
    output_field = CharField()


class ContactGroup(models.Model):
    """A named list of contacts. Names need not be unique: only the bulk route looks for one first."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=255)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        indexes: ClassVar = [
            # get-or-create by name: the lowest id is meant
            models.Index(fields=["account", "name", "id"], name="group_name")
        ]

    def __str__(self) -> str:
        return self.name


class Contact(models.Model):
    """A person, known by phone number within an account."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    phone = models.CharField(max_length=PHONE_LENGTH)
    name = models.CharField(max_length=255)
    groups = models.ManyToManyField(
        ContactGroup, through="Membership", related_name="contacts", blank=True
    )
    # A name → a text (contacts.people). An older process, while it is replaced, knows no such columns.
    fields = models.JSONField(
        default=dict, db_default=models.Value({}, models.JSONField()), blank=True
    )
    # Who said that this person agreed to be written to, when, and by what.
    consent_note = models.CharField(
        max_length=255, blank=True, default="", db_default="", editable=False
    )
    consent_at = models.DateTimeField(null=True, editable=False)
    consent_by = models.CharField(
        max_length=150, blank=True, default="", db_default="", editable=False
    )
    # The import that made it, for as long as nobody has changed it since.
    made_by = models.BigIntegerField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints: ClassVar = [
            # "matched by phone number per user"; also serves the look-up
            models.UniqueConstraint(fields=["account", "phone"], name="contact_phone"),
            # a group's send addresses it as it stands, and opt-outs are found by it
            models.CheckConstraint(name="contact_phone_is_number", condition=stored_phone()),
        ]
        indexes: ClassVar = [
            # the list of smSend's clients
            models.Index(fields=["account", "id"], name="contact_account"),
            # who is looked for by how the name begins, or by its last word
            models.Index(F("account"), Folded("name"), name="contact_name"),
            models.Index(
                F("account"),
                Folded(LastWord("name")),
                condition=Q(name__contains=" "),
                name="contact_last_name",
            ),
            # and by the first digits of a number
            models.Index(F("account"), Collate("phone", "C"), name="contact_digits"),
            # an import that is undone
            models.Index(
                fields=["made_by"], condition=Q(made_by__isnull=False), name="contact_made_by"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **options: Any) -> None:
        """Save it; what is changed is no import's any more."""
        if not self._state.adding:
            self.made_by = None
            if options.get("update_fields") is not None:
                options["update_fields"] = {*options["update_fields"], "made_by"}
        super().save(*args, **options)


class Membership(models.Model):
    """A contact in a group. Both are of this account: composite foreign keys, which Django cannot
    write down, see to it in the database (migration 0004)."""

    # No constraints of their own: the composite keys say more, and each one costs.
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, db_constraint=False)
    contactgroup = models.ForeignKey(
        ContactGroup, on_delete=models.CASCADE, db_constraint=False, db_index=False,
        verbose_name="group",
    )  # fmt: skip

    class Meta:
        db_table = "contacts_contact_groups"
        unique_together: ClassVar = [("contact", "contactgroup")]
        indexes: ClassVar = [
            # who is in a group, in the order of their ids
            models.Index(fields=["contactgroup", "contact"], name="membership_group")
        ]

    def __str__(self) -> str:
        return f"contact {self.contact_id} in group {self.contactgroup_id}"


class Template(models.Model):
    """A text with a name of its own, to be sent to several people with their values in it."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+", db_index=False)
    name = models.CharField(max_length=255)
    text = models.TextField()
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    changed_by = models.CharField(max_length=150)

    class Meta:
        constraints: ClassVar = [
            # also serves the list, by name
            models.UniqueConstraint(fields=["account", "name"], name="template_name")
        ]

    def __str__(self) -> str:
        return self.name


class UnreadableContact(models.Model):
    """A person of an earlier release whose number was kept as typed and is none: nothing is sent to
    it. Its owner reads it in the admin and saves the person anew."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    phone = models.CharField("number as it was typed", max_length=PHONE_LENGTH)
    name = models.CharField(max_length=255)
    groups = models.TextField(help_text="The names of the groups it was in, one on each line.")
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = "contact without a number"
        verbose_name_plural = "contacts without a number"

    def __str__(self) -> str:
        return self.name


class Import(models.Model):
    """A file of people, or of numbers that want no messages, from its upload on (contacts.imports)."""

    class Kind(models.TextChoices):
        CONTACTS = "contacts"
        OPT_OUTS = "opt_outs"

    class State(models.TextChoices):
        READY = "ready"  # it was read; how and what for may be changed
        CHECKING = "checking"
        CHECKED = "checked"
        RUNNING = "running"
        DONE = "done"
        STOPPED = "stopped"
        FAILED = "failed"
        UNDONE = "undone"

    class Known(models.TextChoices):
        """Where somebody's number is known: what becomes of them."""

        KEEP = "keep"  # their name; groups, and fields that they have not got, are added
        OVERWRITE = "overwrite"
        SKIP = "skip"

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.CONTACTS)
    name = models.CharField(max_length=255)  # of the file; '': it was pasted
    made_by = models.CharField(max_length=150)
    made_at = models.DateTimeField()
    sha256 = models.CharField(max_length=64)
    size = models.PositiveIntegerField()
    # How it is read.
    sheets = models.JSONField(default=list)
    sheet = models.CharField(max_length=255, blank=True)
    encoding = models.CharField(max_length=16, blank=True)
    delimiter = models.CharField(max_length=1, blank=True)
    has_header = models.BooleanField(default=False)
    rows = models.PositiveIntegerField()  # without the header
    sample = models.JSONField()  # the first rows, each [number, cells]
    # What for.
    columns = models.JSONField(default=list)  # what each is (contacts.people.Columns)
    country = models.CharField(max_length=2)
    group = models.CharField(max_length=255, blank=True)  # of all, beside those of a column
    known = models.CharField(max_length=9, choices=Known.choices, default=Known.KEEP)
    consent_note = models.CharField(max_length=255, blank=True)
    consent_by = models.CharField(max_length=150, blank=True)
    consent_at = models.DateTimeField(null=True)
    # How far it is.
    state = models.CharField(max_length=8, choices=State.choices, default=State.READY)
    next_row = models.PositiveIntegerField(default=0)
    counts = models.JSONField(default=dict)
    group_ids = models.JSONField(default=list)  # that it has put people into
    error = models.CharField(max_length=255, blank=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["account", "id"], name="import_account"),
            # the one that is worked on next
            models.Index(
                fields=["next_row", "id"],
                condition=models.Q(state__in=["checking", "running"]),
                name="import_work",
            ),
        ]

    def __str__(self) -> str:
        return f"import {self.pk}"


class ImportPiece(models.Model):
    """A piece of an import's file, compressed; in the order of their ids."""

    of = models.ForeignKey(
        Import, on_delete=models.CASCADE, related_name="pieces", db_column="import_id"
    )
    data = models.BinaryField()

    def __str__(self) -> str:
        return f"piece {self.pk} of {self.of_id}"


class ImportProblem(models.Model):
    """A row that was not imported."""

    of = models.ForeignKey(
        Import, on_delete=models.CASCADE, related_name="problems", db_column="import_id"
    )
    row = models.PositiveIntegerField()  # as a spreadsheet numbers it
    reason = models.CharField(max_length=16)
    words = models.CharField(max_length=255)  # the sentence, in English
    other_row = models.PositiveIntegerField(null=True)  # that has the same number
    cells = models.JSONField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["of", "row"], name="import_problem_once")
        ]

    def __str__(self) -> str:
        return f"row {self.row} of {self.of_id}"
