package smsgate.app.service

import android.app.Notification
import android.app.NotificationChannel
import android.app.NotificationManager
import android.app.PendingIntent
import android.content.Context
import android.content.Intent
import smsgate.app.R
import smsgate.app.service
import smsgate.app.ui.MainActivity
import smsgate.core.StopReason

/** The notification of the service, and one that calls the owner when the phone has stopped. */
class Notifications(private val context: Context) : EngineListener {
  private val manager = context.service<NotificationManager>()

  init {
    channel(QUIET, R.string.channel_service, NotificationManager.IMPORTANCE_LOW)
    channel(LOUD, R.string.channel_alert, NotificationManager.IMPORTANCE_HIGH)
  }

  private fun channel(id: String, name: Int, importance: Int) = manager.createNotificationChannel(
    NotificationChannel(id, context.getString(name), importance).apply { setShowBadge(false) },
  )

  fun ongoing(snapshot: Snapshot, isPaused: Boolean): Notification {
    val toggle = if (isPaused) AgentService.RESUME else AgentService.PAUSE
    val label = if (isPaused) R.string.resume else R.string.pause
    val action = Notification.Action.Builder(null, context.getString(label), command(toggle))
    return base(QUIET, context.getString(title(isPaused)), text(snapshot))
      .setOngoing(true)
      .addAction(action.build())
      .build()
  }

  private fun title(isPaused: Boolean) =
    if (isPaused) R.string.state_paused else R.string.state_working

  private fun text(snapshot: Snapshot): String {
    val waiting = snapshot.leased + snapshot.awaiting
    return when {
      snapshot.failing.isNotEmpty() -> failing(snapshot)
      waiting > 0 ->
        context.resources.getQuantityString(R.plurals.messages_waiting, waiting, waiting)
      else -> context.getString(R.string.nothing_waiting)
    }
  }

  fun showOngoing(snapshot: Snapshot, isPaused: Boolean) =
    manager.notify(ONGOING, ongoing(snapshot, isPaused))

  private fun failing(snapshot: Snapshot) =
    context.getString(R.string.sim_failing, snapshot.failing.sorted().joinToString { "${it + 1}" })

  override fun onChange(snapshot: Snapshot) = when (snapshot.stopReason) {
    StopReason.UNAUTHORIZED -> stopped(R.string.stopped_unauthorized)
    StopReason.JOURNAL_CORRUPT -> stopped(R.string.stopped_corrupt)
    StopReason.JOURNAL_COPIED -> stopped(R.string.stopped_copied)
    null, StopReason.NOT_PAIRED ->
      if (snapshot.stopReason == null && snapshot.failing.isNotEmpty()) {
        alert(R.string.sim_failing_title, failing(snapshot))
      } else {
        manager.cancel(ALERT)
      }
  }

  private fun stopped(text: Int) = alert(R.string.state_stopped, context.getString(text))

  private fun alert(title: Int, text: String) = manager.notify(
    ALERT, base(LOUD, context.getString(title), text).setAutoCancel(true).build(),
  )

  private fun base(channel: String, title: String, text: String) =
    Notification.Builder(context, channel)
      .setSmallIcon(R.drawable.ic_notification)
      .setColor(context.getColor(R.color.accent))
      .setContentTitle(title)
      .setContentText(text)
      .setStyle(Notification.BigTextStyle().bigText(text))
      .setOnlyAlertOnce(true)
      .setContentIntent(
        PendingIntent.getActivity(
          context, 0, Intent(context, MainActivity::class.java), PendingIntent.FLAG_IMMUTABLE,
        ),
      )

  private fun command(action: String) = PendingIntent.getService(
    context,
    0,
    Intent(context, AgentService::class.java).setAction(action),
    PendingIntent.FLAG_IMMUTABLE,
  )

  companion object {
    const val ONGOING = 1
    const val ALERT = 2
    private const val QUIET = "service"
    private const val LOUD = "alert"
  }
}
