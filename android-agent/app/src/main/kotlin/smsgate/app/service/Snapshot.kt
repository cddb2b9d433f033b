package smsgate.app.service

import smsgate.core.Detail
import smsgate.core.Journal
import smsgate.core.StopReason

/** What the screens and the notification show of the agent, as it was after its last step. */
data class Snapshot(
  /** Null: at work. */
  val stopReason: StopReason?,
  val baseUrl: String? = null,
  /** Trusts one certificate of the server's own. */
  val isPinned: Boolean = false,
  val deviceId: Long? = null,
  val held: Int = 0,
  /** Given to the radio, which has not answered yet. */
  val awaiting: Int = 0,
  val unreported: Int = 0,
  /** SMS parts started today, by slot. */
  val today: Map<Int, Int> = emptyMap(),
  /** Monotonic milliseconds before which there is nothing to do. */
  val wakeAtMs: Long? = null,
  /** The disk refused; why. */
  val journalError: Detail? = null,
) {
  val host: String? get() = baseUrl?.substringAfter("://")?.substringBefore("/")
  val isBusy get() = held + awaiting > 0

  companion object {
    val UNKNOWN = Snapshot(stopReason = null)

    fun of(journal: Journal, slots: List<Int>, wakeAtMs: Long?): Snapshot {
      val counts = journal.counts()
      return Snapshot(
        stopReason = journal.stopReason,
        baseUrl = journal.baseUrl,
        isPinned = journal.pin != null,
        deviceId = journal.deviceId,
        held = counts["held"] ?: 0,
        awaiting = counts["started"] ?: 0,
        unreported = journal.unreported(),
        today = slots.associateWith(journal::startedToday),
        wakeAtMs = wakeAtMs,
      )
    }
  }
}

/** Hears of each change, on the agent's thread. */
fun interface EngineListener {
  fun onChange(snapshot: Snapshot)
}
