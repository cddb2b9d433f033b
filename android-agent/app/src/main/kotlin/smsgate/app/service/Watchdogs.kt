package smsgate.app.service

import android.app.AlarmManager
import android.app.PendingIntent
import android.app.job.JobInfo
import android.app.job.JobScheduler
import android.content.ComponentName
import android.content.Context
import android.content.Intent
import smsgate.app.service
import smsgate.core.Clock
import smsgate.core.Protocol

/**
 * Restart the service, which vendors' battery savers kill: an alarm, which Doze lets through, and a
 * job, which survives what alarms do not.
 */
object Watchdogs {
  const val EVERY_MS = Protocol.IDLE_SYNC_SECONDS * 1000L
  const val JOB_ID = 1

  fun plan(context: Context, clock: Clock) {
    context.service<AlarmManager>().setAndAllowWhileIdle(
      AlarmManager.ELAPSED_REALTIME_WAKEUP,
      clock.monotonicMs() + EVERY_MS,
      alarmIntent(context),
    )
    val jobs = context.service<JobScheduler>()
    if (jobs.getPendingJob(JOB_ID) != null) return
    jobs.schedule(
      JobInfo.Builder(JOB_ID, ComponentName(context, WatchdogJob::class.java))
        .setPeriodic(EVERY_MS)
        .setPersisted(true)
        .build(),
    )
  }

  fun cancel(context: Context) {
    context.service<AlarmManager>().cancel(alarmIntent(context))
    context.service<JobScheduler>().cancel(JOB_ID)
  }

  fun alarmIntent(context: Context): PendingIntent = PendingIntent.getBroadcast(
    context,
    0,
    Intent(context, AlarmReceiver::class.java),
    PendingIntent.FLAG_IMMUTABLE,
  )
}
