"""The types of events that programs can be told of. Pure."""

from __future__ import annotations

from enum import StrEnum


class EventType(StrEnum):
    """Something that happened: the noun that it happened to, and the past participle."""

    MESSAGE_ACCEPTED = "message.accepted"
    MESSAGE_SENT = "message.sent"
    MESSAGE_DELIVERED = "message.delivered"
    MESSAGE_UNDELIVERED = "message.undelivered"
    MESSAGE_FAILED = "message.failed"
    MESSAGE_EXPIRED = "message.expired"
    MESSAGE_CANCELLED = "message.cancelled"
    MESSAGE_UNCERTAIN = "message.uncertain"  # perhaps sent
    MESSAGE_RESOLVED = "message.resolved"  # no longer uncertain
    SMS_RECEIVED = "sms.received"
    OPT_OUT_CREATED = "opt_out.created"
    OPT_OUT_REMOVED = "opt_out.removed"
    DEVICE_PAIRED = "device.paired"
    DEVICE_SILENT = "device.silent"  # it missed three syncs
    DEVICE_BACK = "device.back"  # it was silent
    DEVICE_PAUSED = "device.paused"  # by its owner, or one more SIM of it cannot send
    LIMIT_REACHED = "limit.reached"  # the last message of a day's limit was accepted
    IMPORT_FINISHED = "contacts.import.finished"  # done, stopped or failed
    WEBHOOK_TEST = "webhook.test"  # asked for, for one endpoint


# One sentence for each, for people.
WORDS = {
    EventType.MESSAGE_ACCEPTED: "A message was accepted",
    EventType.MESSAGE_SENT: "A phone sent a message",
    EventType.MESSAGE_DELIVERED: "The network delivered a message",
    EventType.MESSAGE_UNDELIVERED: "The network gave a message up",
    EventType.MESSAGE_FAILED: "A message was not sent",
    EventType.MESSAGE_EXPIRED: "A message was not sent in time",
    EventType.MESSAGE_CANCELLED: "A message was cancelled",
    EventType.MESSAGE_UNCERTAIN: "A message may have been sent, or not",
    EventType.MESSAGE_RESOLVED: "A message is no longer uncertain",
    EventType.SMS_RECEIVED: "A phone received an SMS",
    EventType.OPT_OUT_CREATED: "A recipient wants nothing more",
    EventType.OPT_OUT_REMOVED: "An opt-out was taken back",
    EventType.DEVICE_PAIRED: "A phone was paired",
    EventType.DEVICE_SILENT: "A phone has missed three syncs",
    EventType.DEVICE_BACK: "A silent phone is back",
    EventType.DEVICE_PAUSED: "A phone was paused, or one of its SIMs cannot send",
    EventType.LIMIT_REACHED: "The last message of a day's limit was accepted",
    EventType.IMPORT_FINISHED: "An import of contacts or opt-outs has ended",
    EventType.WEBHOOK_TEST: "A test that was asked for",
}
