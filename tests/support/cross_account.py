"""The statements that are bound to no account, each with why: `module:function` that runs them.

A new one belongs here only if it cannot know for whom it acts. Migrations and Django's admin are not
listed: they are for all accounts by nature, and only operators run them.
"""

from __future__ import annotations

# This is how the account is found: by the digest of a secret that only its owner has.
BY_SECRET = {
    "licenses/lookup.py:_find": "a licence key, an api_key, a log-in or a token says whose a request is",
    "licenses/lookup.py:_note_use": "a key that was looked up by itself",
    "licenses/lookup.py:device_by_token": "a phone's token says which phone it is",
    "licenses/lookup.py:waiting_phone": "a phone's token says which phone it is",
    "licenses/services.py:pair": "a pairing code says for which licence a phone is paired",
    "members/selectors.py:memberships": "a person's log-in says in which accounts they are",
    "members/services.py:_good": "an invitation's link says which it is",
    "members/passwords.py:_elsewhere": "which of an account's people are in another one, too",
    "bitrix24/portals.py:by_link": "a portal's link says which portal it is",
    "licenses/tokens.py:extend": "a token of a log-in, by its own digest",
    "licenses/tokens.py:_void": "a token is revoked by its own digest",
}

# What only time or an operator brings about, for all accounts at once.
MAINTENANCE = {
    "messaging/ids_by_time.py:first_id": "the id at a time, and nothing of whose row it is",
    "messaging/moves.py:promote": "what is due becomes pending",
    "messaging/daily_counts.py:_count": "counts of the whole service",
    "messaging/daily_counts.py:_settled_id": "counts of the whole service",
    "messaging/daily_counts.py:totals": "metrics of the whole service",
    "messaging/details.py:end_details": "the end of details, of all accounts",
    "messaging/details.py:late": "metrics of the whole service",
    "messaging/services/phone_alerts.py:tell": "phones that their people are to be told of",
    "members/mail.py:waiting": "metrics of the whole service",
    "members/mail.py:_take": "the mail that is sent next",
    "messaging/retention.py:_erase": "retention, by the days that accounts keep theirs",
    "messaging/retention.py:delete_claims": "claims that got nothing, of all phones",
    "messaging/retention.py:overdue": "metrics of the whole service",
    "messaging/services/housekeeping.py:expire_overdue": "what was not sent in time ends",
    "messaging/services/housekeeping.py:doubt_expired_leases": "leases that ran out",
    "messaging/services/housekeeping.py:_mark_uncertain": "leases that ran out",
    "messaging/services/housekeeping.py:mark_silent_devices": "phones that missed their syncs",
    "messaging/services/housekeeping.py:_delete_short_lived": "what serves only for a while",
    "messaging/services/batch_ends.py:take_ended": "the batches that may have come to their end",
    "messaging/services/batch_ends.py:_unfinished": "which of those that were chosen are not final",
    "messaging/services/exports.py:_next_export": "the export that is written next, of any account",
    "contacts/import_job.py:_next": "the import that is worked on next, of any account",
    "contacts/imports.py:delete_old": "retention, of all accounts",
    "privacy/erasing.py:go_on": "the erasures that are not finished, of all accounts",
    "privacy/erasing.py:delete_old": "retention, of all accounts",
    "webhooks/retention.py:_delete": "retention, of all accounts",
    "bitrix24/tending.py:connected": "which portals are connected",
    "webhooks/publishing.py:publish_all": "which accounts have new events",
    "webhooks/due.py:_due": "the choice of what is posted next, in turns of accounts",
    "webhooks/due.py:give_back": "deliveries that were chosen",
    "webhooks/due.py:_write": "deliveries that were chosen",
    "webhooks/health.py:_locked": "endpoints of deliveries that were chosen",
    "webhooks/health.py:_taken": "deliveries that were chosen",
    "webhooks/health.py:_failed": "a delivery that was chosen",
    "messaging/services/restore.py:_due": "after a restore, of all accounts",
    "messaging/services/restore.py:_hold": "after a restore, of all accounts",
    "messaging/services/restore.py:hold_what_may_have_been_sent": "after a restore, of all accounts",
    "licenses/services.py:provision": "a new account: its user must have none yet",
    "messaging/queue_metrics.py:_value": "metrics of the whole service",
    "smsgate/operations/metrics.py:_Queue._devices": "metrics of the whole service",
    "smsgate/operations/metrics.py:_Queue._portals": "metrics of the whole service",
    "smsgate/operations/health.py:_phones": "metrics of the whole service",
}

LISTED = BY_SECRET | MAINTENANCE
