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
  owner: Owner = Owner,
  private val checkpoint: (Checkpoint) -> Unit = {},
) {
  private val server = Server(journal, transport, clock, device, checkpoint)
  private val sending = Sending(journal, sender, clock, owner, checkpoint)

  /** Kept here until they are written: the radio says a thing only once. */
  private val unwritten = ArrayList<Report>()
  private var isRecovered = false
  private var hasJournalFailed = false

  /** Does the first thing in this order that there is to do. */
  fun step(): Step = guarded {
    recover()
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

  /** Is a long poll better than sleep: nothing to send or report, and the server is well? */
  val mayWait: Boolean
    get() = journal.held().isEmpty() && journal.unreported() == 0 &&
      clock.monotonicMs() >= server.waitAtMs

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
      Step(Did.JOURNAL_FAILED, error.message.orEmpty(), clock.monotonicMs() + RETRY_MS)
    }

  private fun recover(): Step? {
    if (isRecovered) return null
    val found = journal.recover()
    sending.pace = journal.pace
    isRecovered = true
    if (found.released + found.unknown == 0) return null
    return Step(Did.RECOVERED, "${found.released} released, ${found.unknown} unknown")
  }

  private fun collect(): Step? {
    unwritten += sender.reports()
    if (unwritten.isEmpty()) return null
    journal.record(unwritten)
    val what = unwritten.joinToString { "${it.messageId} ${it.type.name.lowercase()}" }
    unwritten.clear()
    checkpoint(Checkpoint.RESULT)
    return Step(Did.COLLECTED, what)
  }

  private fun giveUp(): Step? {
    val notAfterMs = clock.monotonicMs() - ANSWER_MS
    val first = journal.firstStartedMs()
    if (first == null || first > notAfterMs) return null
    val keys = journal.giveUp(notAfterMs)
    return Step(Did.GAVE_UP, keys.joinToString { it.messageId.toString() })
  }

  private fun release(): Step? {
    val nowMs = clock.monotonicMs()
    val expired = journal.held().firstOrNull { it.startBeforeMs <= nowMs } ?: return null
    val code = when {
      hasJournalFailed -> "journal_full"
      else -> sending.blocked(expired) ?: "window_closed"
    }
    journal.release(expired, code)
    return Step(Did.RELEASED, "${expired.messageId} $code")
  }

  private fun syncIfDue(): Step? {
    if (clock.monotonicMs() < server.syncAtMs) return null
    return server.sync(sending::capacity).also { step ->
      if (step.did == Did.SYNCED) {
        hasJournalFailed = false
        sending.pace.limit(journal.pace.paceMs, journal.pace.segmentsPerMinute)
      }
    }
  }

  /** The first moment at which there may be something to do; always after now. */
  private fun wakeAtMs(): Long {
    val nowMs = clock.monotonicMs()
    val moments = listOfNotNull(
      server.syncAtMs,
      sender.nextReportAtMs(),
      journal.firstStartedMs()?.let { it + ANSWER_MS },
      server.waitAtMs.takeIf { it > nowMs },
    ) + sending.moments()
    return maxOf(moments.min(), nowMs + 1)
  }
}

/** How long the radio may take to answer. */
private const val ANSWER_MS = 15 * 60 * 1000L

/** Before what the SIM or the disk refused is tried again. */
internal const val RETRY_MS = 5_000L
