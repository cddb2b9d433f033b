"""The meaning of failures' and changes' codes, in a sentence for people; beside them, never instead.

The codes are what programs read: a phone's are Android's names in lower case, or its own.
"""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from messaging.states import FailureReason
from messaging.transitions import Cause

Words = str | Promise

_OURS: dict[str, Words] = {
    FailureReason.CANCELLED: _("It was cancelled before it was sent."),
    FailureReason.EXPIRED: _("Its time was over; an earlier attempt may have sent it."),
    FailureReason.GIVEN_UP: _("Its owner gave it up."),
    FailureReason.MAX_AGE: _("No phone took it in time: it was older than the account allows."),
    FailureReason.OPTED_OUT: _("The recipient wants no messages."),
    FailureReason.PARTIALLY_SENT: _("Some of its parts were sent, others were not."),
    Cause.SEND_BEFORE: _("Its deadline passed before it was sent."),
}

_PHONES: dict[str, Words] = {
    "journal_full": _("The phone cannot write down what it sends: its memory is full."),
    "no_permission": _("The app may not send SMS: allow it in the phone's settings."),
    "no_sim": _("There is no SIM in that place of the phone."),
    "paused": _("The phone was paused by its owner."),
    "sim_failing": _("That SIM cannot send at the moment: the phone tries it again later."),
    "window_closed": _("The time in which the phone might have sent it was over."),
}

# Android's results, and the same of the radio's own layer (`ril_…`), by what they tell an owner.
_NO_NETWORK = _("The phone had no network.")
_RADIO_OFF = _("The phone's radio is off: is it in flight mode?")
_REFUSED = _(
    "The network or the modem refused it: is the number right, and can the card still pay?"
)
_TEXT = _("The phone could not make an SMS of this text.")
_TOO_MANY = _("The phone has sent as many SMS as it may for now.")
_SHORT_CODE = _("The phone may not send to this short number.")
_CENTRE = _("The number of the network's SMS centre is wrong: see the SIM's settings.")
_FULL = _("The phone has no memory left for it.")
_FORBIDDEN = _("The phone does not allow this app or this user to send.")
_SIM = _("The SIM is missing, locked, full, busy or broken.")
_CALL = _("The phone was in a call, beside which it sends no SMS.")
_BLUETOOTH = _("The phone should send by Bluetooth, and could not.")
_FAULT = _("The phone's modem or its software failed, without saying more.")

_BY_MEANING: tuple[tuple[Words, str], ...] = (
    (_NO_NETWORK, "no_service network_error ril_network_err ril_network_not_ready"
                  " ril_no_network_found"),
    (_RADIO_OFF, "radio_off radio_not_available ril_radio_not_available"),
    (_REFUSED, "generic_failure network_reject operation_not_allowed ril_network_reject"
               " ril_operation_not_allowed ril_access_barred ril_generic_error"
               " ril_sms_send_fail_retry sms_send_retry_failed"),
    (_TEXT, "null_pdu invalid_arguments invalid_sms_format encoding_error ril_invalid_arguments"
            " ril_invalid_sms_format ril_encoding_err"),
    (_TOO_MANY, "limit_exceeded ril_request_rate_limited"),
    (_SHORT_CODE, "short_code_not_allowed short_code_never_allowed fdn_check_failure"),
    (_CENTRE, "invalid_smsc_address ril_invalid_smsc_address"),
    (_FULL, "no_memory no_resources ril_no_memory ril_no_resources"),
    (_FORBIDDEN, "no_default_sms_app user_not_allowed"),
    (_SIM, "ril_sim_absent ril_sim_pin2 ril_sim_puk2 ril_sim_error ril_sim_busy ril_sim_full"
           " ril_invalid_sim_state ril_no_subscription ril_subscription_not_available"),
    (_CALL, "sms_blocked_during_emergency ril_simultaneous_sms_and_call_not_allowed"
            " ril_blocked_due_to_call"),
    (_BLUETOOTH, "no_bluetooth_service invalid_bluetooth_address bluetooth_disconnected"),
    (_FAULT, "invalid_state system_error modem_error internal_error request_not_supported"
             " unexpected_event_stop_sending remote_exception ril_invalid_state ril_system_err"
             " ril_modem_err ril_internal_err ril_request_not_supported ril_invalid_modem_state"
             " ril_cancelled ril_invalid_response ril_no_sms_to_ack ril_device_in_use ril_aborted"
             " other"),
)  # fmt: skip

_CAUSES: dict[str, Words] = {
    Cause.CLAIM: _("A phone took it."),
    Cause.DUE: _("Its time has come."),
    Cause.OWNER: _("Its owner cancelled it."),
    Cause.OWNER_AGAIN: _("Its owner had it sent again."),
    Cause.OWNER_GIVEN_UP: _("Its owner gave it up."),
    Cause.OWNER_SENT: _("Its owner said that it was sent."),
    Cause.RESEND: _("Nobody knows whether it was sent: it is sent again, as it was asked for."),
    Cause.RESTORED: _("A backup was restored: nobody knows what phones have done since."),
}

_WORDS: dict[str, Words] = {
    **{code: words for words, codes in _BY_MEANING for code in codes.split()},
    **_CAUSES,
    **_PHONES,
    **_OURS,
}


def in_words(code: str) -> str:
    """Return what this `failure_reason` or cause means, in the language of the page; '' for nothing."""
    kind, _space, rest = code.partition(" ")
    if kind == Cause.RELEASED:
        return f"{gettext('The phone gave it back, unsent.')} {in_words(rest)}".strip()
    if kind == Cause.ATTEMPT:
        return gettext("A phone reported it.")
    return str(_WORDS.get(code.partition(":")[0] if code.startswith("other:") else code, ""))


def with_words(code: str) -> str:
    """Return the code, and what it means where that is known."""
    words = in_words(code)
    return f"{code}: {words}" if words else code
