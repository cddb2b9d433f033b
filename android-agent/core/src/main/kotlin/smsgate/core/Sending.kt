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
    for (message in startable()) {
      val sim = sender.slot(message.sim)
      val parts = sender.countParts(message.text, sim)
      if (pace.segmentsReadyAtMs(parts, nowMs) > nowMs) return null
      if (pace.simReadyAtMs(sim, nowMs) <= nowMs) return start(message, parts, sim)
    }
    return null
  }

  /** What is leased and not blocked; each SIM is asked once. */
  private fun startable(): Sequence<LeasedMessage> {
    val leased = journal.leased()
    if (owner.isPaused) return emptySequence()
    val sims = leased.mapTo(HashSet()) { it.sim }
    val blocked = sims.filterTo(HashSet()) { blocked(it) != null }
    return leased.asSequence().filter { it.sim !in blocked && !isCapped(it) }
  }

  /** Why this message cannot be started now, or null. */
  fun blocked(message: LeasedMessage): String? = when {
    owner.isPaused -> PAUSED
    sender.slot(message.sim) in failing -> SIM_FAILING
    isCapped(message) -> "limit_exceeded"
    else -> sender.blocked(message.sim)
  }

  private fun blocked(sim: Int?): String? =
    if (sender.slot(sim) in failing) SIM_FAILING else sender.blocked(sim)

  /** The SIMs that cannot send, and are not to be tried again yet. */
  val failing: Set<Int>
    get() {
      val nowMs = clock.monotonicMs()
      return journal.pauses().filterValues { it.untilMs > nowMs }.keys
    }

  /** As messages name them; null for those that name none. */
  fun failingSims(): List<Int?> {
    val slots = failing.sorted()
    return if (sender.slot(null) in slots) slots + null else slots
  }

  fun isForFailing(message: LeasedMessage) = sender.slot(message.sim) in failing

  private fun isCapped(message: LeasedMessage): Boolean {
    val sim = sender.slot(message.sim)
    val cap = owner.dailyCap(sim) ?: return false
    return journal.startedToday(sim) + sender.countParts(message.text, sim) > cap
  }

  private fun start(message: LeasedMessage, parts: Int, sim: Int): Step? {
    if (!journal.start(message, parts, sim, clock.monotonicMs(), pace.horizonMs)) {
      return null // Its lease ended this very moment: the next step releases it.
    }
    checkpoint(Checkpoint.JOURNAL)
    if (clock.monotonicMs() >= message.startBeforeMs) return overslept(message, parts)
    val hasFallen = !isHanded(message, parts, sim)
    // The pace goes by when the radio was really called: the disk may have been slow.
    pace.note(Start(clock.monotonicMs(), sim, parts))
    checkpoint(Checkpoint.RADIO)
    if (hasFallen) journal.noteRefusal(message, sim)
    return Step(StepKind.SENT, Detail(TextKey.ATTEMPT, message.messageId, message.attempt))
  }

  /**
   * False if the radio call threw. A vendor's Android may throw after it took the text, so nothing
   * is reported, and the attempt is `unknown` after a quarter of an hour. Repeated, it pauses the SIM.
   */
  private fun isHanded(message: LeasedMessage, parts: Int, sim: Int): Boolean =
    try {
      sender.send(
        Sms(message.messageId, message.attempt, message.phone, message.text, parts, sim),
      )
      true
    } catch (_: RuntimeException) {
      false
    }

  /**
   * The lease expired between the journal and the radio, as the phone was suspended: another phone
   * may have the message. It was surely not sent, so it has failed.
   */
  private fun overslept(message: LeasedMessage, parts: Int): Step {
    journal.record(
      (1..parts).map { part ->
        Report(
          message.messageId, message.attempt, part, parts, Report.Type.FAILED, "window_closed",
        )
      },
    )
    return released(message, "window_closed")
  }

  /**
   * How many more can be started before the next sync, as far as one can know: a dead phone shall
   * hold few messages. One segment each is assumed; longer ones wait within their lease.
   */
  fun capacity(leased: List<LeasedMessage>): Int {
    val least = if (leased.isEmpty()) 1 else 0
    // One message shows whether a paused SIM can send again.
    if (journal.pauses().keys != failing) return least
    val byPace = (BUSY_SYNC_MS / pace.paceMs).toInt() - leased.size // All may be for one SIM.
    if (byPace <= least) return least
    val waiting = leased.sumOf { sender.countParts(it.text, sender.slot(it.sim)) }
    val perSync = minOf(pace.segmentsPerMinute * (BUSY_SYNC_MS / Pace.WINDOW_MS), room()).toInt()
    return minOf(byPace, perSync - waiting, Protocol.MAX_CAPACITY).coerceAtLeast(least)
  }

  /** The owner's pause, no SIM that can send, or none with a part left for today. */
  val isUnable: Boolean get() = room() == 0L

  /** How many parts may still start today, through all SIMs that can send now. */
  private fun room(): Long {
    if (owner.isPaused) return 0
    val sims = (slots() + sender.slot(null)).distinct()
    return sims.filter { blocked(it) == null }.sumOf(::roomOf)
  }

  private fun roomOf(sim: Int): Long {
    val cap = owner.dailyCap(sim) ?: return Int.MAX_VALUE.toLong()
    return maxOf(0, cap - journal.startedToday(sim)).toLong()
  }

  /** Moments at which something may be started that may not be now, or no longer be started. */
  fun moments(): List<Long> {
    val leased = journal.leased()
    val nowMs = clock.monotonicMs()
    val probes = journal.pauses().values.map { it.untilMs }.filter { it > nowMs }
    if (leased.isEmpty()) return probes
    val startable = startable().toList()
    // What is blocked is asked again.
    val retry = listOf(nowMs + RETRY_MS).filter { startable.size < leased.size }
    return probes + retry + leased.minOf { it.startBeforeMs } + readyMoments(startable, nowMs)
  }

  /** When the first message for each SIM may start. */
  private fun readyMoments(startable: List<LeasedMessage>, nowMs: Long): Collection<Long> {
    val moments = HashMap<Int, Long>()
    var fitsMs = 0L
    for (message in startable) {
      val sim = sender.slot(message.sim)
      // Nobody overtakes one that waits for segments (see startOne).
      fitsMs = maxOf(fitsMs, pace.segmentsReadyAtMs(sender.countParts(message.text, sim), nowMs))
      if (sim !in moments) moments[sim] = maxOf(pace.simReadyAtMs(sim, nowMs), fitsMs)
    }
    return moments.values
  }
}

internal fun released(message: LeasedMessage, code: String) =
  Step(StepKind.RELEASED, Detail(TextKey.MESSAGE, message.messageId), TextKey.ofReason(code))

/** While there is something to send, the phone asks that often. */
internal const val BUSY_SYNC_MS = Protocol.BUSY_SYNC_SECONDS * 1000L

/** The owner's pause: what is leased goes back when its lease is over. */
private const val PAUSED = "paused"
