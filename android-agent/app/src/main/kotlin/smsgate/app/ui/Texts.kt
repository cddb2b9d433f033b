package smsgate.app.ui

import android.content.Context
import smsgate.app.R
import smsgate.core.Detail
import smsgate.core.TextKey

/** What the core has to say, in the owner's language. */
fun textOf(context: Context, detail: Detail): String {
  val id = resourceOf(detail.key) ?: return detail.values.joinToString()
  return context.getString(id, *detail.values.toTypedArray())
}

/** Null: the values are all there is. */
fun resourceOf(key: TextKey): Int? = when (key) {
  TextKey.TEXT -> null
  TextKey.NEW -> R.string.text_new
  TextKey.ACKED -> R.string.text_acked
  TextKey.RELEASED -> R.string.text_released
  TextKey.UNKNOWN -> R.string.text_unknown
  TextKey.MESSAGE -> R.string.text_message
  TextKey.ATTEMPT -> R.string.text_attempt
  TextKey.SENT -> R.string.text_sent
  TextKey.FAILED -> R.string.text_failed
  TextKey.DELIVERED -> R.string.text_delivered
  TextKey.UNDELIVERED -> R.string.text_undelivered
  TextKey.WINDOW_CLOSED -> R.string.text_window_closed
  TextKey.PAUSED -> R.string.text_paused
  TextKey.LIMIT_EXCEEDED -> R.string.text_limit_exceeded
  TextKey.NO_PERMISSION -> R.string.text_no_permission
  TextKey.NO_SIM -> R.string.text_no_sim
  TextKey.NO_SERVICE -> R.string.text_no_service
  TextKey.RADIO_OFF -> R.string.text_radio_off
  TextKey.JOURNAL_FULL -> R.string.text_journal_full
  TextKey.SIM_FAILING -> R.string.text_sim_failing
  TextKey.SIM_PAUSED -> R.string.text_sim_paused
  TextKey.SIM_RESUMED -> R.string.text_sim_resumed
  TextKey.NO_ANSWER -> R.string.text_no_answer
  TextKey.UNTRUSTED -> R.string.text_untrusted
  TextKey.BARRED -> R.string.text_barred
  TextKey.CLEARTEXT -> R.string.text_cleartext
  TextKey.BAD_REPLY -> R.string.text_bad_reply
  TextKey.STATUS -> R.string.text_status
  TextKey.AGAIN -> R.string.text_again
  TextKey.DISK_FULL -> R.string.text_disk_full
  TextKey.DISK_REFUSES -> R.string.text_disk_refuses
  TextKey.JOURNAL_NEWER -> R.string.text_journal_newer
  TextKey.NOT_PAIRED -> R.string.text_not_paired
  TextKey.UNAUTHORIZED -> R.string.text_unauthorized
  TextKey.JOURNAL_CORRUPT -> R.string.text_journal_corrupt
  TextKey.JOURNAL_COPIED -> R.string.text_journal_copied
  TextKey.NO_CODE -> R.string.text_no_code
  TextKey.NO_SERVER -> R.string.text_no_server
  TextKey.LINK_DAMAGED -> R.string.text_link_damaged
  TextKey.SET_ASIDE -> R.string.text_set_aside
  TextKey.OTHER_SERVER -> R.string.text_other_server
  TextKey.HOST_SILENT -> R.string.text_host_silent
  TextKey.HOST_UNTRUSTED -> R.string.text_host_untrusted
  TextKey.CODE_INVALID -> R.string.text_code_invalid
  TextKey.HOST_REFUSED -> R.string.text_host_refused
  TextKey.NOT_SMSGATE -> R.string.text_not_smsgate
}
