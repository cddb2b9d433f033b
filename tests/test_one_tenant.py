"""The database itself refuses a row that would join what is of two tenants."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection, transaction

from bitrix24.models import Portal
from contacts.models import Contact, ContactGroup, Membership
from http_api import clock
from licenses.models import Credential, License, PairingCode, Token
from messaging.models import Batch, Message
from tests.conftest import Tenant, pair_phone

pytestmark = pytest.mark.django_db

Join = Callable[[Tenant, Tenant], object]


def batch(tenant: Tenant, **of_another: int) -> Batch:
    keys = tenant.keys
    owner = {"account_id": keys.account_id, "license_id": keys.license_id} | of_another
    return Batch.objects.create(dialect="sms-by", created_at=clock.now(), **owner)


def message(tenant: Tenant, **of_another: int) -> None:
    keys, now = tenant.keys, clock.now()
    owner = {"account_id": keys.account_id, "license_id": keys.license_id} | of_another
    row = Message(
        phone="+48123456789", text="Hi", status="pending", due_at=now, created_at=now, any_hour=True,
        parts=1, encoding="gsm7", **owner,
    )  # fmt: skip
    Message.objects.bulk_create([row])


def credential(tenant: Tenant) -> int:
    return Credential.objects.get(license=tenant.license).pk


def group_of_another(mine: Tenant, other: Tenant) -> None:
    account = mine.keys.account_id
    contact = Contact.objects.create(account_id=account, phone="+48123456789", name="Ola")
    group = ContactGroup.objects.create(account_id=other.keys.account_id, name="VIP")
    Membership.objects.create(account_id=account, contact=contact, contactgroup=group)


def token(tenant: Tenant, credential_id: int) -> None:
    Token.objects.create(
        license=tenant.license, credential_id=credential_id, kind=Token.Kind.ACCESS, digest="x"
    )


def code(tenant: Tenant, **phones: int) -> None:
    PairingCode.objects.create(
        license=tenant.license, code_digest="x", expires_at=clock.now(), **phones
    )


def portal(mine: Tenant, other: Tenant) -> None:
    account_id = other.keys.account_id
    Portal.objects.create(account_id=account_id, license=mine.license, created_at=clock.now())


JOINS: dict[str, Join] = {
    "membership_group_of_account": group_of_another,
    "message_license_of_account": lambda mine, other: message(
        mine, account_id=other.keys.account_id
    ),
    "message_batch_of_license": lambda mine, other: message(mine, batch_id=batch(other).pk),
    "batch_license_of_account": lambda mine, other: batch(mine, account_id=other.keys.account_id),
    "batch_parent_of_license": lambda mine, other: batch(mine, parent_id=batch(other).pk),
    "token_credential_of_license": lambda mine, other: token(mine, credential(other)),
    "pairingcode_replaces_of_license": lambda mine, other: code(
        mine, replaces_id=pair_phone(other).device.pk
    ),
    "pairingcode_used_by_of_license": lambda mine, other: code(
        mine, used_by_id=pair_phone(other).device.pk
    ),
    "portal_license_of_account": portal,
}


@transaction.atomic
def commit(work: Callable[[], object]) -> None:
    """Do it, and have the database check what it checks at the end of a transaction."""
    work()
    connection.check_constraints()


@pytest.mark.parametrize("constraint", JOINS)
def test_two_tenants_are_never_joined(
    constraint: str, tenant: Tenant, other_tenant: Tenant
) -> None:
    with pytest.raises(IntegrityError, match=constraint):
        commit(lambda: JOINS[constraint](tenant, other_tenant))


@pytest.mark.parametrize("key", ["account_id", "batch_id"])
def test_raw_sql_joins_no_two_tenants(key: str, tenant: Tenant, other_tenant: Tenant) -> None:
    message(tenant)
    theirs = {"account_id": other_tenant.keys.account_id, "batch_id": batch(other_tenant).pk}[key]

    def work() -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE messaging_message SET {key} = %s", [theirs])

    with pytest.raises(IntegrityError, match="message_"):
        commit(work)


def test_what_is_of_one_tenant_is_joined(tenant: Tenant) -> None:
    whole = batch(tenant)
    message(tenant, batch_id=batch(tenant, parent_id=whole.pk).pk)
    token(tenant, credential(tenant))
    device = pair_phone(tenant).device
    code(tenant, replaces_id=device.pk, used_by_id=device.pk)
    connection.check_constraints()


def test_a_licence_that_has_sent_stays_its_accounts(tenant: Tenant, other_tenant: Tenant) -> None:
    message(tenant)
    mine = License.objects.filter(pk=tenant.keys.license_id)
    with pytest.raises(IntegrityError, match="message_license_of_account"):
        commit(lambda: mine.update(account_id=other_tenant.keys.account_id))
