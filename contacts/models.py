"""People and the groups they are in."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import CharField, F, Func, Q
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
        ]

    def __str__(self) -> str:
        return self.name


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
