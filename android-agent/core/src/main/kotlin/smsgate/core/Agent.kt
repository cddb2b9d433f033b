package smsgate.core

import java.time.Duration

/** Places where a crash is interesting. */
enum class Checkpoint {
  /** The claim's id is on disk, nothing is asked. */
  CLAIM,

  /** An answer came, nothing is written. */
  REPLY,

  /** It is written. */
  ACCEPT,

  /** A start is written, the radio is not called. */
  JOURNAL,

  /** The radio was called. */
  RADIO,

  /** Its answer is written. */
  RESULT,
}

/**
 * The agent's state machine: [step] does one thing and says what it did.
 *
 * It never waits, except for the answer to a request. Whoever drives it waits until
 * [Step.wakeAtMs], by sleeping or by [awaitWork]; [Runner] does. The rules are those of the
 * protocol: nothing is sent twice, and whatever is doubtful is reported as such. Used by one thread.
 */
class Agent(
  val journal: Journal,
  transport: Transport,
  private val sender: SmsSender,
  private val clock: Clock,
  device: Device,
  private val owner: Owner = NoOwnerSettings,
  private val checkpoint: (Checkpoint) -> Unit = {},
) {
  private val sending =
    Sending(journal, sender, clock, owner, { device.sims().map { it.slot } }, checkpoint)
  private val server = Server(journal, transport, clock, device, sending, checkpoint)

  /** Kept here until they are written: each report is handed out once. */
  private val unwritten = ArrayList<Report>()
  private var isRecovered = false
  private var hasJournalFailed = false

  /** Does the first thing in this order that there is to do. */
  fun step(): Step = guarded {
    reportWhileRefused()
      ?: recover()
      ?: collect()
      ?: giveUp()
      ?: release()
      ?: journal.stopReason?.let(::Step)
      ?: syncIfDue()
      ?: sending.startOne()
      ?: Step(StepKind.IDLE, wakeAtMs = wakeAtMs())
  }

  /** One long poll, for when [mayWait]. READY makes the next step a sync. */
  fun awaitWork(until: Until? = null): Step = guarded { server.awaitWork(until) }

  /**
   * Makes the next step a sync, whatever back-off or cadence say, and lets SIMs be tried again that
   * could not send. The pace of sending stays.
   */
  fun syncNow() {
    if (!journal.isRefusing) write(Journal::resumeSims)
    server.syncNow()
  }

  /** How far this phone's clock is ahead of the server's; null: not heard yet. */
  val clockSkew: Duration? get() = server.clockSkew

  /** Is a long poll better than sleep: nothing to send or report, and phone and server are well? */
  val mayWait: Boolean
    get() = journal.leased().isEmpty() && journal.unreported() == 0 && !journal.isRefusing &&
      !server.wasUnable && clock.monotonicMs() >= server.waitAtMs

  /** Nothing leased, nothing awaited, nothing unreported, and the server had no more. */
  val isSettled: Boolean
    get() = server.isCaughtUp && sender.nextReportAtMs() == null && journal.unreported() == 0 &&
      journal.counts().keys.none { it == AttemptState.LEASED || it == AttemptState.SENDING }

  /** Has something written by others; false if the journal refused. */
  internal fun write(task: (Journal) -> Unit): Boolean =
    guarded {
      task(journal)
      Step(StepKind.COLLECTED)
    }.kind == StepKind.COLLECTED

  private fun guarded(act: () -> Step): Step =
    try {
      act()
    } catch (_: StoreCorruptException) {
      journal.setAside(StopReason.JOURNAL_CORRUPT)
      Step(StopReason.JOURNAL_CORRUPT)
    } catch (error: StoreException) {
      hasJournalFailed = true
      Step(
        StepKind.JOURNAL_FAILED,
        listOf(error.detail),
        clock.monotonicMs() + RETRY_MS,
        rawMessage = error.message.orEmpty(),
      )
    }

  private fun recover(): Step? {
    if (isRecovered) return null
    val found = journal.recover()
    sending.pace = journal.pace
    isRecovered = true
    if (found.released + found.unknown == 0) return null
    return Step(
      StepKind.RECOVERED,
      Detail(TextKey.RELEASED, found.released),
      Detail(TextKey.UNKNOWN, found.unknown),
    )
  }

  private fun collect(): Step? {
    unwritten += sender.reports()
    if (unwritten.isEmpty()) return null
    val paused = journal.pauses().keys
    journal.record(unwritten)
    val what = unwritten.map { Detail(it.type.key, it.messageId) }
    unwritten.clear()
    checkpoint(Checkpoint.RESULT)
    val failing = journal.pauses().keys
    val news = (failing - paused).map { Detail(TextKey.SIM_PAUSED, it + 1) } +
      (paused - failing).map { Detail(TextKey.SIM_RESUMED, it + 1) }
    return Step(StepKind.COLLECTED, what + news)
  }

  private fun giveUp(): Step? {
    val notAfterMs = clock.monotonicMs() - ANSWER_MS
    val first = journal.firstStartedMs()
    if (first == null || first > notAfterMs) return null
    val keys = journal.giveUp(notAfterMs)
    return Step(StepKind.GAVE_UP, keys.map { Detail(TextKey.MESSAGE, it.messageId) })
  }

  /** What may not be started any more; and what is for a SIM that cannot send, at once. */
  private fun release(): Step? {
    val nowMs = clock.monotonicMs()
    val over = journal.leased()
      .firstOrNull { it.startBeforeMs <= nowMs || sending.isForFailing(it) } ?: return null
    val code = when {
      hasJournalFailed -> "journal_full"
      sending.isForFailing(over) -> SIM_FAILING
      else -> sending.blocked(over) ?: "window_closed"
    }
    journal.release(over, code)
    return released(over, code)
  }

  /**
   * Reports the journaled events while the journal refuses writes: a full disk must not silence the
   * phone.
   */
  private fun reportWhileRefused(): Step? =
    if (journal.isRefusing && journal.stopReason == null) syncIfDue() else null

  private fun syncIfDue(): Step? {
    if (server.wasUnable && !isUnable) server.askSoon()
    if (clock.monotonicMs() < server.syncAtMs) return null
    val wasRefusing = journal.isRefusing
    val step = server.sync(if (isUnable) null else sending::capacity)
    if (step.kind == StepKind.SYNCED) {
      hasJournalFailed = hasJournalFailed && wasRefusing
      sending.pace.limit(journal.pace.paceMs, journal.pace.segmentsPerMinute)
    }
    return step
  }

  /** Can nothing be sent, whatever it is? Then nothing is claimed: another phone may have it. */
  private val isUnable get() = journal.isRefusing || sending.isUnable

  /** The first moment at which there may be something to do; always after now. */
  private fun wakeAtMs(): Long {
    val nowMs = clock.monotonicMs()
    val moments = listOfNotNull(
      server.syncAtMs,
      sender.nextReportAtMs(),
      journal.firstStartedMs()?.let { it + ANSWER_MS },
      server.waitAtMs.takeIf { it > nowMs },
      // Who ends a pause says so.
      (nowMs + LOOK_AGAIN_MS).takeIf { server.wasUnable && !owner.isPaused },
    ) + sending.moments()
    return maxOf(moments.min(), nowMs + 1)
  }
}

/** How long the radio may take to answer. */
private const val ANSWER_MS = Protocol.ANSWER_SECONDS * 1000L

/** Polling interval while nothing can be sent at all. */
private const val LOOK_AGAIN_MS = Protocol.LOOK_AGAIN_SECONDS * 1000L

/** Retry delay after the SIM or the disk refused. */
internal const val RETRY_MS = Protocol.RETRY_SECONDS * 1000L
