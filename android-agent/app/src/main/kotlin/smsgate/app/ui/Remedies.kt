package smsgate.app.ui

import android.Manifest.permission
import android.app.AlertDialog
import android.content.ActivityNotFoundException
import android.content.ClipData
import android.content.ClipboardManager
import android.content.Intent
import android.net.Uri
import android.os.Build
import android.provider.Settings
import smsgate.app.R
import smsgate.app.doctor.Fix
import smsgate.app.phone
import smsgate.app.service
import smsgate.app.service.AgentService

/** What one tap in the doctor does: asks Android, or opens the one screen where it is decided. */
class Remedies(private val activity: MainActivity) {
  fun apply(fix: Fix) = when (fix) {
    Fix.PAIR -> activity.startActivity(Intent(activity, PairActivity::class.java))
    Fix.ASK_SEND_SMS -> ask(permission.SEND_SMS)
    Fix.ASK_PHONE_STATE -> ask(permission.READ_PHONE_STATE)
    Fix.ASK_RECEIVE_SMS -> explainReceiving()
    Fix.ASK_NOTIFICATIONS -> askForNotifications()
    Fix.APP_INFO -> open(Settings.ACTION_APPLICATION_DETAILS_SETTINGS, ownPackage())
    Fix.BATTERY -> open(Settings.ACTION_REQUEST_IGNORE_BATTERY_OPTIMIZATIONS, ownPackage())
    Fix.LEARN_SIM -> learnSims()
    Fix.CHOOSE_SIM -> activity.open(MainActivity.Tab.SETTINGS)
    Fix.SMS_LIMIT -> explainLimit()
    Fix.NETWORK -> open(Settings.ACTION_WIRELESS_SETTINGS)
    Fix.SYNC -> activity.phone.engine.syncNow()
    Fix.STORAGE -> open(Settings.ACTION_INTERNAL_STORAGE_SETTINGS)
    Fix.DATE -> open(Settings.ACTION_DATE_SETTINGS)
    Fix.RESUME -> {
      AgentService.pause(activity, false)
      activity.open(MainActivity.Tab.DOCTOR)
    }
  }

  /** Who has refused twice is not asked by Android any more: then its own screen decides. */
  private fun ask(name: String) {
    val asked = activity.phone.settings.askedFor(name)
    if (asked && !activity.shouldShowRequestPermissionRationale(name)) {
      open(Settings.ACTION_APPLICATION_DETAILS_SETTINGS, ownPackage())
    } else {
      activity.phone.settings.noteAskedFor(name)
      activity.requestPermissions(arrayOf(name), ASK)
    }
  }

  private fun askForNotifications() {
    if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.TIRAMISU) ask(permission.POST_NOTIFICATIONS)
  }

  /** Whose messages go where is said before Android asks, not after. */
  private fun explainReceiving() {
    AlertDialog.Builder(activity)
      .setTitle(R.string.receive_title)
      .setMessage(R.string.receive_text)
      .setNegativeButton(android.R.string.cancel, null)
      .setPositiveButton(R.string.pair_next) { _, _ -> ask(permission.RECEIVE_SMS) }
      .show()
  }

  private fun learnSims() {
    val sims = activity.phone.sims
    val unknown = sims.cards().filterNot(sims::isKnown)
    val names = unknown.joinToString { card ->
      listOf(activity.getString(R.string.sim_slot, card.slot + 1), card.carrier)
        .filter { it.isNotBlank() }.joinToString(" · ")
    }
    AlertDialog.Builder(activity)
      .setTitle(R.string.learn_title)
      .setMessage(activity.getString(R.string.learn_text, names))
      .setNegativeButton(android.R.string.cancel, null)
      .setPositiveButton(R.string.fix_learn) { _, _ ->
        sims.learn(unknown)
        activity.phone.engine.start()
        activity.open(MainActivity.Tab.DOCTOR)
      }
      .show()
  }

  private fun explainLimit() {
    AlertDialog.Builder(activity)
      .setTitle(R.string.limit_title)
      .setMessage(activity.getString(R.string.limit_text) + "\n\n" + RAISE_LIMIT)
      .setNegativeButton(android.R.string.ok, null)
      .setPositiveButton(R.string.copy) { _, _ ->
        activity.service<ClipboardManager>()
          .setPrimaryClip(ClipData.newPlainText("adb", RAISE_LIMIT))
      }
      .show()
  }

  private fun open(action: String, data: Uri? = null) {
    try {
      activity.startActivity(Intent(action, data))
    } catch (_: ActivityNotFoundException) {
      activity.startActivity(Intent(Settings.ACTION_SETTINGS)) // some makers left that screen out
    }
  }

  private fun ownPackage(): Uri = Uri.fromParts("package", activity.packageName, null)

  private companion object {
    const val ASK = 1
    val RAISE_LIMIT = """
      adb shell settings put global sms_outgoing_check_max_count 10000
      adb shell settings put global sms_outgoing_check_interval_ms 60000
    """.trimIndent()
  }
}
