package smsgate.app.sms

import android.app.Activity
import android.telephony.SmsMessage
import smsgate.core.Report

/** What Android's numbers mean, in the words of the protocol. */
object Outcomes {
  /** `SmsManager.RESULT_…`, in lower case. */
  internal val NAMES = mapOf(
    1 to "generic_failure",
    2 to "radio_off",
    3 to "null_pdu",
    4 to "no_service",
    5 to "limit_exceeded",
    6 to "fdn_check_failure",
    7 to "short_code_not_allowed",
    8 to "short_code_never_allowed",
    9 to "radio_not_available",
    10 to "network_reject",
    11 to "invalid_arguments",
    12 to "invalid_state",
    13 to "no_memory",
    14 to "invalid_sms_format",
    15 to "system_error",
    16 to "modem_error",
    17 to "network_error",
    18 to "encoding_error",
    19 to "invalid_smsc_address",
    20 to "operation_not_allowed",
    21 to "internal_error",
    22 to "no_resources",
    23 to "cancelled",
    24 to "request_not_supported",
    25 to "no_bluetooth_service",
    26 to "invalid_bluetooth_address",
    27 to "bluetooth_disconnected",
    28 to "unexpected_event_stop_sending",
    29 to "sms_blocked_during_emergency",
    30 to "sms_send_retry_failed",
    31 to "remote_exception",
    32 to "no_default_sms_app",
    33 to "user_not_allowed",
    100 to "ril_radio_not_available",
    101 to "ril_sms_send_fail_retry",
    102 to "ril_network_reject",
    103 to "ril_invalid_state",
    104 to "ril_invalid_arguments",
    105 to "ril_no_memory",
    106 to "ril_request_rate_limited",
    107 to "ril_invalid_sms_format",
    108 to "ril_system_err",
    109 to "ril_encoding_err",
    110 to "ril_invalid_smsc_address",
    111 to "ril_modem_err",
    112 to "ril_network_err",
    113 to "ril_internal_err",
    114 to "ril_request_not_supported",
    115 to "ril_invalid_modem_state",
    116 to "ril_network_not_ready",
    117 to "ril_operation_not_allowed",
    118 to "ril_no_resources",
    119 to "ril_cancelled",
    120 to "ril_sim_absent",
    121 to "ril_simultaneous_sms_and_call_not_allowed",
    122 to "ril_access_barred",
    123 to "ril_blocked_due_to_call",
    124 to "ril_generic_error",
    125 to "ril_invalid_response",
    126 to "ril_sim_pin2",
    127 to "ril_sim_puk2",
    128 to "ril_subscription_not_available",
    129 to "ril_sim_error",
    130 to "ril_invalid_sim_state",
    131 to "ril_no_sms_to_ack",
    132 to "ril_sim_busy",
    133 to "ril_sim_full",
    134 to "ril_no_subscription",
    135 to "ril_no_network_found",
    136 to "ril_device_in_use",
    137 to "ril_aborted",
  )

  fun codeOf(resultCode: Int): String = NAMES[resultCode] ?: "other:$resultCode"

  /** The radio's answer for one part. */
  fun ofSent(resultCode: Int): Outcome =
    if (resultCode == Activity.RESULT_OK) {
      Outcome(Report.Type.SENT)
    } else {
      Outcome(Report.Type.FAILED, codeOf(resultCode))
    }

  /**
   * The network's report on one part; null while it is still trying, and for what is no report at
   * all: nothing is guessed.
   */
  fun ofDelivery(pdu: ByteArray?, format: String?): Outcome? {
    val report = pdu?.let { SmsMessage.createFromPdu(it, format) } ?: return null
    return if (format == SmsMessage.FORMAT_3GPP2) cdma(report.status) else gsm(report.status)
  }

  /** TP-Status, 3GPP TS 23.040 9.2.3.15. */
  fun gsm(status: Int): Outcome? = when (status) {
    in 0x00..0x1f -> Outcome(Report.Type.DELIVERED)
    in 0x20..0x3f -> null
    else -> Outcome(Report.Type.UNDELIVERED, "other:$status")
  }

  /** Error class and message status in the upper half, 3GPP2 C.S0015-B 4.5.21. */
  fun cdma(status: Int): Outcome? {
    val errorClass = status ushr 24 and 0x03
    val messageStatus = status ushr 16 and 0x3f
    return when {
      errorClass == 0 && messageStatus == CDMA_DELIVERED -> Outcome(Report.Type.DELIVERED)
      errorClass == CDMA_PERMANENT -> Outcome(Report.Type.UNDELIVERED, "other:$messageStatus")
      else -> null
    }
  }

  private const val CDMA_DELIVERED = 2
  private const val CDMA_PERMANENT = 3
}

data class Outcome(val type: Report.Type, val code: String? = null)
