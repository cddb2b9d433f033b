package smsgate.core

/** What goes when: SIM, owner and pace are asked before the journal, and then the radio. */
internal class Sending(
  private val journal: Journal,
  private val sender: SmsSender,
  private val clock: Clock,
  private val owner: Owner,
  /** The SIMs that there are. */
  private val slots: () -> List<Int>,
  private val checkpoint: (Checkpoint) -> Unit,
) {
  var pace = Pace(emptyList())

  /**
   * Starts the first message whose SIM is free.
   *
   * One that waits for the segments of the last minute makes all others wait: were they let past, a
   * long text might never find room.
   */
  fun startOne(): Step? {
    val nowMs = clock.monotonicMs()
    for (held in startable()) {
      val parts = sender.countParts(held.text)
      if (pace.segmentsReadyAtMs(parts, nowMs) > nowMs) return null
      val sim = sender.slot(held.sim)
      if (pace.simReadyAtMs(sim, nowMs) <= nowMs) return start(held, parts, sim)
    }
    return null
  }

  /** What is held and not blocked; each SIM is asked once. */
  private fun startable(): Sequence<Held> {
    val held = journal.held()
    if (owner.isPaused) return emptySequence()
    val sims = held.mapTo(HashSet()) { it.sim }
    val blocked = sims.filterTo(HashSet()) { sender.blocked(it) != null }
    return held.asSequence().filter { it.sim !in blocked && !isCapped(it) }
  }

  /** Why this message cannot be started now, or null. */
  fun blocked(held: Held): String? = when {
    owner.isPaused -> PAUSED
    isCapped(held) -> "limit_exceeded"
    else -> sender.blocked(held.sim)
  }

  private fun isCapped(held: Held): Boolean {
    val sim = sender.slot(held.sim)
    val cap = owner.dailyCap(sim) ?: return false
    return journal.startedToday(sim) + sender.countParts(held.text) > cap
  }

  private fun start(held: Held, parts: Int, sim: Int): Step? {
    if (!journal.start(held, parts, sim, clock.monotonicMs(), pace.horizonMs)) {
      return null // Its lease ended this very moment: the next step releases it.
    }
    checkpoint(Checkpoint.JOURNAL)
    if (clock.monotonicMs() >= held.startBeforeMs) return overslept(held, parts)
    sender.send(Sms(held.messageId, held.attempt, held.phone, held.text, parts, sim))
    // The pace goes by when the radio was really called: the disk may have been slow.
    pace.note(Start(clock.monotonicMs(), sim, parts))
    checkpoint(Checkpoint.RADIO)
    return Step(Did.SENT, Detail(Word.ATTEMPT, held.messageId, held.attempt))
  }

  /**
   * The phone stood still between the journal and the radio, and the lease is over: the message may
   * be somebody else's by now. It was surely not sent, so it has failed.
   */
  private fun overslept(held: Held, parts: Int): Step {
    journal.record(
      (1..parts).map { part ->
        Report(held.messageId, held.attempt, part, parts, Report.Type.FAILED, "window_closed")
      },
    )
    return released(held, "window_closed")
  }

  /**
   * How many more can be started before the next sync, as far as one can know: a dead phone shall
   * hold few messages. One segment each is assumed; longer ones wait within their lease.
   */
  fun capacity(held: List<Held>): Int {
    val least = if (held.isEmpty()) 1 else 0
    val byPace = (BUSY_SYNC_MS / pace.paceMs).toInt() - held.size // All may be for one SIM.
    if (byPace <= least) return least
    val waiting = held.sumOf { sender.countParts(it.text) }
    val perSync = minOf(pace.segmentsPerMinute * (BUSY_SYNC_MS / Pace.WINDOW_MS), room()).toInt()
    return minOf(byPace, perSync - waiting, MAX_CAPACITY).coerceAtLeast(least)
  }

  /** The owner's pause, no SIM that can send, or none with a part left for today. */
  val isUnable: Boolean get() = room() == 0L

  /** How many parts may still start today, through all SIMs that can send now. */
  private fun room(): Long {
    if (owner.isPaused) return 0
    val sims = (slots() + sender.slot(null)).distinct()
    return sims.filter { sender.blocked(it) == null }.sumOf(::roomOf)
  }

  private fun roomOf(sim: Int): Long {
    val cap = owner.dailyCap(sim) ?: return Int.MAX_VALUE.toLong()
    return maxOf(0, cap - journal.startedToday(sim)).toLong()
  }

  /** Moments at which something may be started that may not be now, or no longer be started. */
  fun moments(): List<Long> {
    val held = journal.held()
    if (held.isEmpty()) return emptyList()
    val nowMs = clock.monotonicMs()
    val startable = startable().toList()
    // What is blocked is asked again.
    val retry = listOf(nowMs + RETRY_MS).filter { startable.size < held.size }
    return retry + held.minOf { it.startBeforeMs } + readyMoments(startable, nowMs)
  }

  /** When the first message for each SIM may start. */
  private fun readyMoments(startable: List<Held>, nowMs: Long): Collection<Long> {
    val moments = HashMap<Int, Long>()
    var fitsMs = 0L
    for (held in startable) {
      val sim = sender.slot(held.sim)
      // Nobody overtakes one that waits for segments (see startOne).
      fitsMs = maxOf(fitsMs, pace.segmentsReadyAtMs(sender.countParts(held.text), nowMs))
      if (sim !in moments) moments[sim] = maxOf(pace.simReadyAtMs(sim, nowMs), fitsMs)
    }
    return moments.values
  }
}

internal fun released(held: Held, code: String) =
  Step(Did.RELEASED, Detail(Word.MESSAGE, held.messageId), Word.ofReason(code))

/** While there is something to send, the phone asks that often. */
internal const val BUSY_SYNC_MS = 60_000L

/** The owner's pause: what is held goes back when its lease is over. */
private const val PAUSED = "paused"
