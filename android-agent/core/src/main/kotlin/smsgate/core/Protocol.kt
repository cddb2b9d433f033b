package smsgate.core

/**
 * The numbers that the server and every phone agree on. `protocol/constants.json` says what each
 * means; `ProtocolTest` holds these against it.
 */
object Protocol {
  const val PACE_SECONDS = 10
  const val SEGMENTS_PER_MINUTE = 24
  const val PACE_WINDOW_SECONDS = 60

  const val MAX_REQUEST_BYTES = 256 * 1024
  const val MAX_REPLY_BYTES = 4 * 1024 * 1024
  const val MAX_EVENTS = 200
  const val MAX_HELD = 1_000
  const val MAX_CAPACITY = 50
  const val MAX_SENDER_CHARACTERS = 64

  const val IDLE_SYNC_SECONDS = 900
  const val BUSY_SYNC_SECONDS = 60
  const val MISSED_SYNCS = 3
  const val REPORT_SECONDS = 5
  const val LEAST_PAUSE_SECONDS = 1
  const val LOOK_AGAIN_SECONDS = 60
  const val RETRY_SECONDS = 5

  @JvmField val BACKOFF_SECONDS = listOf(5, 10, 15, 20, 30, 45, 60, 120)
  const val LONGEST_RETRY_AFTER_SECONDS = 3_600
  const val LONGEST_SECONDS = 86_400
  const val WAIT_TIMEOUT_SECONDS = 60

  const val ANSWER_SECONDS = 900

  const val SIM_REFUSALS = 5
  const val SIM_REFUSED_NUMBERS = 3

  @JvmField val SIM_PAUSE_MINUTES = listOf(15, 30, 60, 120, 240)

  /** Codes that speak of the message or its recipient: the SIM may well send another one. */
  @JvmField
  val NOT_THE_SIM = setOf(
    "encoding_error",
    "fdn_check_failure",
    "invalid_arguments",
    "invalid_sms_format",
    "null_pdu",
    "ril_encoding_err",
    "ril_invalid_arguments",
    "ril_invalid_sms_format",
    "short_code_never_allowed",
    "short_code_not_allowed",
    "window_closed",
  )
}
