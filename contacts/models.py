"""People and the groups they are in."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from licenses.models import Account


class ContactGroup(models.Model):
    """A named list of contacts. Names need not be unique: document 000 allows two of the same."""

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
    phone = models.CharField(max_length=16)
    name = models.CharField(max_length=255)
    groups = models.ManyToManyField(ContactGroup, related_name="contacts", blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints: ClassVar = [
            # "matched by phone number per user"; also serves the look-up
            models.UniqueConstraint(fields=["account", "phone"], name="contact_phone")
        ]

    def __str__(self) -> str:
        return self.name
