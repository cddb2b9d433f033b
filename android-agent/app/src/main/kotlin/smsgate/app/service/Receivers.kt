package smsgate.app.service

import android.app.job.JobParameters
import android.app.job.JobService
import android.content.BroadcastReceiver
import android.content.Context
import android.content.Intent
import smsgate.app.log.LogKind
import smsgate.app.phone

/** After a boot, and after the app was updated. */
class StartReceiver : BroadcastReceiver() {
  override fun onReceive(context: Context, intent: Intent) {
    if (intent.action !in STARTS) return
    context.phone.log.add(LogKind.STARTED, intent.action.orEmpty().substringAfterLast('.'))
    Starter.ensureRunning(context)
  }

  private companion object {
    val STARTS = setOf(Intent.ACTION_BOOT_COMPLETED, Intent.ACTION_MY_PACKAGE_REPLACED)
  }
}

/** The agent's own alarm: its time has come, or the watchdog's. */
class AlarmReceiver : BroadcastReceiver() {
  override fun onReceive(context: Context, intent: Intent) {
    if (context.phone.settings.isAtWork) context.phone.wakeLocks.nudge()
    Starter.ensureRunning(context)
  }
}

/** Every quarter of an hour, by the system's own scheduler. */
class WatchdogJob : JobService() {
  override fun onStartJob(params: JobParameters?): Boolean {
    if (phone.settings.isAtWork) phone.wakeLocks.nudge()
    Starter.ensureRunning(this)
    return false
  }

  override fun onStopJob(params: JobParameters?): Boolean = false
}
