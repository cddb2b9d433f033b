package smsgate.app.ui

import android.content.Context
import smsgate.app.R
import smsgate.app.doctor.Check
import smsgate.app.doctor.Finding
import smsgate.app.doctor.Fix
import smsgate.app.doctor.Level

fun titleOf(check: Check): Int = when (check) {
  Check.PAIRED -> R.string.check_paired
  Check.SEND_SMS -> R.string.check_send
  Check.RESTRICTED -> R.string.check_restricted
  Check.PHONE_STATE -> R.string.check_phone
  Check.RECEIVE_SMS -> R.string.check_receive
  Check.NOTIFICATIONS -> R.string.check_notifications
  Check.BATTERY -> R.string.check_battery
  Check.SIM -> R.string.check_sim
  Check.DEFAULT_SIM -> R.string.check_default_sim
  Check.SIM_SENDS -> R.string.sim_failing_title
  Check.SMS_LIMIT -> R.string.check_limit
  Check.NETWORK -> R.string.check_network
  Check.CLOCK -> R.string.check_clock
  Check.LAST_SYNC -> R.string.check_sync
  Check.QUEUE -> R.string.check_queue
  Check.JOURNAL -> R.string.check_journal
}

fun sentenceOf(context: Context, finding: Finding): String {
  val id = if (finding.level == Level.GOOD) goodOf(finding.check) else badOf(finding)
  val value = finding.detail?.let { textOf(context, it) } ?: finding.value
  return if (id == null) value else context.getString(id, value)
}

/** Null: the value says it all. */
private fun goodOf(check: Check): Int? = when (check) {
  Check.PAIRED -> R.string.check_paired_good
  Check.SEND_SMS, Check.RECEIVE_SMS, Check.PHONE_STATE, Check.NOTIFICATIONS, Check.BATTERY ->
    R.string.allowed
  Check.SIM -> null
  Check.SMS_LIMIT -> R.string.check_limit_good
  Check.LAST_SYNC -> R.string.check_sync_good
  Check.QUEUE -> R.string.check_queue_good
  Check.NETWORK, Check.RESTRICTED, Check.DEFAULT_SIM, Check.SIM_SENDS, Check.CLOCK,
  Check.JOURNAL,
  -> R.string.fine
}

private fun badOf(finding: Finding): Int = when (finding.check) {
  Check.PAIRED -> R.string.check_paired_bad
  Check.SEND_SMS -> R.string.check_send_bad
  Check.RESTRICTED -> R.string.check_restricted_bad
  Check.PHONE_STATE -> R.string.check_phone_bad
  Check.RECEIVE_SMS -> R.string.check_receive_bad
  Check.NOTIFICATIONS -> R.string.check_notifications_bad
  Check.BATTERY -> R.string.check_battery_bad
  Check.SIM -> if (finding.level == Level.BAD) R.string.check_sim_none else R.string.check_sim_bad
  Check.DEFAULT_SIM -> R.string.check_default_sim_bad
  Check.SIM_SENDS -> R.string.sim_failing
  Check.SMS_LIMIT -> R.string.check_limit_bad
  Check.NETWORK -> R.string.check_network_bad
  Check.CLOCK -> R.string.check_clock_bad
  Check.LAST_SYNC -> R.string.check_sync_bad
  Check.QUEUE -> R.string.check_queue_paused
  Check.JOURNAL -> R.string.check_journal_bad
}

fun levelText(level: Level): Int = when (level) {
  Level.GOOD -> R.string.level_good
  Level.WARN -> R.string.level_warn
  Level.BAD -> R.string.level_bad
}

fun labelOf(fix: Fix): Int = when (fix) {
  Fix.PAIR -> R.string.fix_pair
  Fix.ASK_SEND_SMS, Fix.ASK_PHONE_STATE, Fix.ASK_RECEIVE_SMS, Fix.ASK_NOTIFICATIONS ->
    R.string.fix_allow
  Fix.APP_INFO -> R.string.fix_app_info
  Fix.BATTERY -> R.string.fix_battery
  Fix.LEARN_SIM -> R.string.fix_learn
  Fix.CHOOSE_SIM -> R.string.fix_choose
  Fix.SMS_LIMIT -> R.string.fix_limit
  Fix.NETWORK -> R.string.fix_network
  Fix.SYNC -> R.string.sync_now
  Fix.DATE -> R.string.fix_date
  Fix.RESUME -> R.string.resume
  Fix.STORAGE -> R.string.fix_storage
}
