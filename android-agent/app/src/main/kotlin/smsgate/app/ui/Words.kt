package smsgate.app.ui

import android.content.Context
import smsgate.app.R
import smsgate.core.Detail
import smsgate.core.Word

/** What the core has to say, in the owner's language. */
fun inWords(context: Context, detail: Detail): String {
  val id = textOf(detail.word) ?: return detail.values.joinToString()
  return context.getString(id, *detail.values.toTypedArray())
}

/** Null: the values are all there is. */
fun textOf(word: Word): Int? = when (word) {
  Word.TEXT -> null
  Word.NEW -> R.string.word_new
  Word.ACKED -> R.string.word_acked
  Word.RELEASED -> R.string.word_released
  Word.UNKNOWN -> R.string.word_unknown
  Word.MESSAGE -> R.string.word_message
  Word.ATTEMPT -> R.string.word_attempt
  Word.SENT -> R.string.word_sent
  Word.FAILED -> R.string.word_failed
  Word.DELIVERED -> R.string.word_delivered
  Word.UNDELIVERED -> R.string.word_undelivered
  Word.WINDOW_CLOSED -> R.string.word_window_closed
  Word.PAUSED -> R.string.word_paused
  Word.LIMIT_EXCEEDED -> R.string.word_limit_exceeded
  Word.NO_PERMISSION -> R.string.word_no_permission
  Word.NO_SIM -> R.string.word_no_sim
  Word.NO_SERVICE -> R.string.word_no_service
  Word.RADIO_OFF -> R.string.word_radio_off
  Word.JOURNAL_FULL -> R.string.word_journal_full
  Word.NO_ANSWER -> R.string.word_no_answer
  Word.UNTRUSTED -> R.string.word_untrusted
  Word.BARRED -> R.string.word_barred
  Word.CLEARTEXT -> R.string.word_cleartext
  Word.BAD_REPLY -> R.string.word_bad_reply
  Word.STATUS -> R.string.word_status
  Word.AGAIN -> R.string.word_again
  Word.DISK_FULL -> R.string.word_disk_full
  Word.DISK_REFUSES -> R.string.word_disk_refuses
  Word.NOT_PAIRED -> R.string.word_not_paired
  Word.UNAUTHORIZED -> R.string.word_unauthorized
  Word.JOURNAL_CORRUPT -> R.string.word_journal_corrupt
  Word.JOURNAL_COPIED -> R.string.word_journal_copied
  Word.NO_CODE -> R.string.word_no_code
  Word.NO_SERVER -> R.string.word_no_server
  Word.LINK_DAMAGED -> R.string.word_link_damaged
  Word.SET_ASIDE -> R.string.word_set_aside
  Word.OTHER_SERVER -> R.string.word_other_server
  Word.HOST_SILENT -> R.string.word_host_silent
  Word.HOST_UNTRUSTED -> R.string.word_host_untrusted
  Word.CODE_INVALID -> R.string.word_code_invalid
  Word.HOST_REFUSED -> R.string.word_host_refused
  Word.NOT_SMSGATE -> R.string.word_not_smsgate
}
