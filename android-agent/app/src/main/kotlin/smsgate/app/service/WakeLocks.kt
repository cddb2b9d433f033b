package smsgate.app.service

import android.app.AlarmManager
import android.content.Context
import android.os.PowerManager
import smsgate.app.service
import smsgate.core.Clock

/**
 * Keeps the processor awake only while there is something to send or an answer to hear, and has an
 * alarm wake it for the rest.
 */
class WakeLocks(private val context: Context, private val clock: Clock) : EngineListener {
  private val lock: PowerManager.WakeLock = context.service<PowerManager>()
    .newWakeLock(PowerManager.PARTIAL_WAKE_LOCK, "smsgate:agent")
    .apply { setReferenceCounted(false) }

  override fun onChange(snapshot: Snapshot) {
    if (snapshot.stopReason != null) return lock.release()
    when {
      snapshot.isBusy -> lock.acquire(BUSY_MS)
      snapshot.wakeAtMs != null -> lock.release()
    }
    snapshot.wakeAtMs?.let(::wakeAt)
  }

  /** Somebody woke the phone: long enough for one sync. */
  fun nudge() = lock.acquire(NUDGE_MS)

  val isHeld: Boolean get() = lock.isHeld

  private fun wakeAt(atMs: Long) {
    val latest = clock.monotonicMs() + Watchdogs.EVERY_MS
    context.service<AlarmManager>().setAndAllowWhileIdle(
      AlarmManager.ELAPSED_REALTIME_WAKEUP,
      minOf(atMs, latest),
      Watchdogs.alarmIntent(context),
    )
  }

  private companion object {
    /** Renewed with each step; the end of a lease is the latest moment of a start. */
    const val BUSY_MS = 15 * 60 * 1000L
    const val NUDGE_MS = 90 * 1000L
  }
}
