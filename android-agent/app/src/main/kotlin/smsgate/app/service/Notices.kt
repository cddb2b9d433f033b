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
class Notices(private val context: Context) : EngineListener {
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
    return base(QUIET, context.getString(title(isPaused)), text(snapshot))
      .setOngoing(true)
      .addAction(Notification.Action.Builder(null, context.getString(label), command(toggle)).build())
      .build()
  }

  private fun title(isPaused: Boolean) =
    if (isPaused) R.string.state_paused else R.string.state_working

  private fun text(snapshot: Snapshot): String {
    val waiting = snapshot.held + snapshot.awaiting
    return when {
      waiting > 0 -> context.resources.getQuantityString(R.plurals.messages_waiting, waiting, waiting)
      else -> context.getString(R.string.nothing_waiting)
    }
  }

  fun showOngoing(snapshot: Snapshot, isPaused: Boolean) =
    manager.notify(ONGOING, ongoing(snapshot, isPaused))

  override fun onChange(snapshot: Snapshot) {
    val text = when (snapshot.stopReason) {
      null, StopReason.NOT_PAIRED -> return manager.cancel(ALERT)
      StopReason.UNAUTHORIZED -> R.string.stopped_unauthorized
      StopReason.JOURNAL_CORRUPT -> R.string.stopped_corrupt
      StopReason.JOURNAL_COPIED -> R.string.stopped_copied
    }
    val alert = base(LOUD, context.getString(R.string.state_stopped), context.getString(text))
    manager.notify(ALERT, alert.setAutoCancel(true).build())
  }

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
