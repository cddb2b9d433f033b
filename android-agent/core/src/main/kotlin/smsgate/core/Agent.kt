package smsgate.core

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
 * The phone's mind: [step] does one thing and says what it did.
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
  private val owner: Owner = Owner,
  private val checkpoint: (Checkpoint) -> Unit = {},
) {
  private val server = Server(journal, transport, clock, device, checkpoint)
  private val sending =
    Sending(journal, sender, clock, owner, { device.sims().map { it.slot } }, checkpoint)

  /** Kept here until they are written: the radio says a thing only once. */
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
      ?: Step(Did.IDLE, wakeAtMs = wakeAtMs())
  }

  /** One long poll, for when [mayWait]. READY makes the next step a sync. */
  fun awaitWork(until: Until? = null): Step = guarded { server.awaitWork(until) }

  /** Makes the next step a sync, whatever back-off or cadence say. The pace of sending stays. */
  fun syncNow() = server.syncNow()

  /** Is a long poll better than sleep: nothing to send or report, and phone and server are well? */
  val mayWait: Boolean
    get() = journal.held().isEmpty() && journal.unreported() == 0 && !journal.isRefusing &&
      !server.wasUnable && clock.monotonicMs() >= server.waitAtMs

  /** Nothing held, nothing awaited, nothing unreported, and the server had no more. */
  val isSettled: Boolean
    get() = server.isCaughtUp && sender.nextReportAtMs() == null && journal.unreported() == 0 &&
      journal.counts().keys.none { it == "held" || it == "started" }

  /** Has something written by others; false if the journal refused. */
  internal fun write(task: (Journal) -> Unit): Boolean =
    guarded {
      task(journal)
      Step(Did.COLLECTED)
    }.did == Did.COLLECTED

  private fun guarded(act: () -> Step): Step =
    try {
      act()
    } catch (_: StoreCorruptException) {
      journal.setAside(StopReason.JOURNAL_CORRUPT)
      Step(StopReason.JOURNAL_CORRUPT)
    } catch (error: StoreException) {
      hasJournalFailed = true
      Step(
        Did.JOURNAL_FAILED,
        listOf(error.detail),
        clock.monotonicMs() + RETRY_MS,
        said = error.message.orEmpty(),
      )
    }

  private fun recover(): Step? {
    if (isRecovered) return null
    val found = journal.recover()
    sending.pace = journal.pace
    isRecovered = true
    if (found.released + found.unknown == 0) return null
    return Step(
      Did.RECOVERED,
      Detail(Word.RELEASED, found.released),
      Detail(Word.UNKNOWN, found.unknown),
    )
  }

  private fun collect(): Step? {
    unwritten += sender.reports()
    if (unwritten.isEmpty()) return null
    journal.record(unwritten)
    val what = unwritten.map { Detail(it.type.word, it.messageId) }
    unwritten.clear()
    checkpoint(Checkpoint.RESULT)
    return Step(Did.COLLECTED, what)
  }

  private fun giveUp(): Step? {
    val notAfterMs = clock.monotonicMs() - ANSWER_MS
    val first = journal.firstStartedMs()
    if (first == null || first > notAfterMs) return null
    val keys = journal.giveUp(notAfterMs)
    return Step(Did.GAVE_UP, keys.map { Detail(Word.MESSAGE, it.messageId) })
  }

  private fun release(): Step? {
    val nowMs = clock.monotonicMs()
    val expired = journal.held().firstOrNull { it.startBeforeMs <= nowMs } ?: return null
    val code = when {
      hasJournalFailed -> "journal_full"
      else -> sending.blocked(expired) ?: "window_closed"
    }
    journal.release(expired, code)
    return released(expired, code)
  }

  /**
   * What the disk has is told before another write is tried: were it not, a full disk would make the
   * phone silent as well.
   */
  private fun reportWhileRefused(): Step? =
    if (journal.isRefusing && journal.stopReason == null) syncIfDue() else null

  private fun syncIfDue(): Step? {
    if (server.wasUnable && !isUnable) server.askSoon()
    if (clock.monotonicMs() < server.syncAtMs) return null
    val wasRefusing = journal.isRefusing
    val step = server.sync(if (isUnable) null else sending::capacity)
    if (step.did == Did.SYNCED) {
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
private const val ANSWER_MS = 15 * 60 * 1000L

/** While nothing can be sent at all, between two looks whether that is over. */
private const val LOOK_AGAIN_MS = 60_000L

/** Before what the SIM or the disk refused is tried again. */
internal const val RETRY_MS = 5_000L
