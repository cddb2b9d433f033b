package smsgate.app.service

import smsgate.core.Agent
import smsgate.core.AttemptState
import smsgate.core.Detail
import smsgate.core.StopReason
import java.time.Duration

/** What the screens and the notification show of the agent, as it was after its last step. */
data class Snapshot(
  /** False until the journal was read: nothing below says anything then. */
  val isKnown: Boolean = true,
  /** Null: at work, once it is known. */
  val stopReason: StopReason? = null,
  val baseUrl: String? = null,
  /** Trusts one certificate of the server's own. */
  val isPinned: Boolean = false,
  val deviceId: Long? = null,
  val leased: Int = 0,
  /** Given to the radio, which has not answered yet. */
  val awaiting: Int = 0,
  val unreported: Int = 0,
  /** SMS parts started today, by slot. */
  val today: Map<Int, Int> = emptyMap(),
  /** The slots of SIMs that are paused, since they cannot send. */
  val failing: Set<Int> = emptySet(),
  /** Monotonic milliseconds before which there is nothing to do. */
  val wakeAtMs: Long? = null,
  /** How far this phone's clock is ahead of the server's. */
  val clockSkew: Duration? = null,
  /** The disk refused; why. */
  val journalError: Detail? = null,
) {
  val host: String? get() = baseUrl?.substringAfter("://")?.substringBefore("/")
  val isBusy get() = leased + awaiting > 0

  companion object {
    val UNKNOWN = Snapshot(isKnown = false)

    fun of(agent: Agent, slots: List<Int>, wakeAtMs: Long?): Snapshot {
      val journal = agent.journal
      val counts = journal.counts()
      return Snapshot(
        stopReason = journal.stopReason,
        baseUrl = journal.baseUrl,
        isPinned = journal.pin != null,
        deviceId = journal.deviceId,
        leased = counts[AttemptState.LEASED] ?: 0,
        awaiting = counts[AttemptState.SENDING] ?: 0,
        unreported = journal.unreported(),
        today = slots.associateWith(journal::startedToday),
        failing = journal.pauses().keys,
        wakeAtMs = wakeAtMs,
        clockSkew = agent.clockSkew.takeIf { journal.stopReason == null },
      )
    }
  }
}

/** Hears of each change, on the agent's thread. */
fun interface EngineListener {
  fun onChange(snapshot: Snapshot)
}
