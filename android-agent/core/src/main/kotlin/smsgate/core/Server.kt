package smsgate.core

import java.time.Duration

/** The phone's talk with its server: what is said, how often, and what an answer changes. */
internal class Server(
  private val journal: Journal,
  private val transport: Transport,
  private val clock: Clock,
  private val device: Device,
  private val sending: Sending,
  private val checkpoint: (Checkpoint) -> Unit,
) {
  /** The last sync asked for work and got none, or nothing can be asked for. */
  var isCaughtUp = false
    private set

  /** The last sync could ask for nothing, since nothing can be sent. */
  var wasUnable = false
    private set

  /** How far this phone's clock is ahead of the server's; null: not heard yet. */
  var clockSkew: Duration? = null
    private set
  private var isPaused = false
  private var wasReady = false
  private var nextSyncAtMs = Long.MIN_VALUE
  private var lastSyncAtMs = Long.MIN_VALUE
  private var lastAskedAtMs = Long.MIN_VALUE
  private val syncBackoff = Backoff()
  private val waitBackoff = Backoff()

  /** Before this moment there is no sync. */
  val syncAtMs: Long
    get() {
      val reportAtMs = lastSyncAtMs + REPORT_MS
      val hasOnlyReports = nextSyncAtMs > reportAtMs && journal.unreported() > 0 &&
        journal.leased().isEmpty()
      return maxOf(if (hasOnlyReports) reportAtMs else nextSyncAtMs, syncBackoff.untilMs)
    }

  /** The next sync need not wait for the cadence. */
  fun askSoon() {
    nextSyncAtMs = minOf(nextSyncAtMs, clock.monotonicMs())
  }

  /** Somebody wants the next sync now: as soon as it is none too many, and the server lets us. */
  fun syncNow() {
    syncBackoff.cut()
    nextSyncAtMs = maxOf(clock.monotonicMs(), lastAskedAtMs + LEAST_PAUSE_MS)
  }

  /** Before this moment there is no long poll. */
  val waitAtMs: Long get() = maxOf(syncBackoff.untilMs, waitBackoff.untilMs)

  /**
   * One sync. [capacity] says how many more messages can be taken beside those leased; null: this phone
   * can send nothing.
   */
  fun sync(capacity: ((List<LeasedMessage>) -> Int)?): Step {
    val request = request(capacity)
    val body = request.encode(journal.outbox(Protocol.MAX_EVENTS))
    checkpoint(Checkpoint.CLAIM)
    val askedAtMs = clock.monotonicMs()
    lastAskedAtMs = askedAtMs
    val reply = try {
      transport.send(Request("POST", SYNC_PATH, journal.token, body))
    } catch (error: TransportException) {
      return failed(syncBackoff, error)
    }
    checkpoint(Checkpoint.REPLY)
    if (reply.status != 200) return refused(syncBackoff, reply)
    val answer = try {
      readSync(reply.body, askedAtMs)
    } catch (error: BadReplyException) {
      return failed(syncBackoff, Detail(TextKey.BAD_REPLY), error.message.orEmpty())
    }
    val new = accept(answer)
    checkpoint(Checkpoint.ACCEPT)
    remember(answer, new, request.capacity, isUnable = capacity == null)
    return Step(StepKind.SYNCED, Detail(TextKey.NEW, new), Detail(TextKey.ACKED, answer.acked.size))
  }

  /** What cannot be written down is asked for again, not in a loop. */
  private fun accept(answer: SyncReply): Int =
    try {
      journal.accept(answer)
    } catch (error: StoreException) {
      syncBackoff.fail(clock.monotonicMs())
      throw error
    }

  private fun request(capacity: ((List<LeasedMessage>) -> Int)?): SyncRequest {
    val leased = journal.leased()
    return SyncRequest(
      claimId = if (journal.isRefusing) journal.claimIdForNothing() else journal.claimId(),
      capacity = if (isPaused || capacity == null) 0 else capacity(leased),
      bootId = clock.bootId,
      leased = leased,
      failingSims = sending.failingSims(),
      lastSyncNumber = journal.syncNumber,
      health = device.healthJson(leased.size, sending.failing),
    )
  }

  private fun remember(answer: SyncReply, new: Int, askedFor: Int, isUnable: Boolean) {
    val nowMs = clock.monotonicMs()
    val isBusy = journal.leased().isNotEmpty()
    val pauseMs = if (isBusy) minOf(answer.nextSyncMs, BUSY_SYNC_MS) else answer.nextSyncMs
    lastSyncAtMs = nowMs
    nextSyncAtMs = nowMs + maxOf(pauseMs, LEAST_PAUSE_MS)
    syncBackoff.reset()
    // Else "ready" and an empty claim would chase each other.
    if (wasReady && new == 0) waitBackoff.fail(nowMs)
    wasReady = false
    isPaused = answer.isPaused
    answer.serverTime?.let { clockSkew = Duration.between(it, clock.wall()) }
    wasUnable = isUnable
    isCaughtUp = new == 0 && (askedFor > 0 || answer.isPaused || isUnable)
  }

  fun awaitWork(until: Until?): Step {
    val beganMs = clock.monotonicMs()
    val reply = try {
      transport.send(
        Request("GET", WAIT_PATH, journal.token, timeoutMs = WAIT_TIMEOUT_MS, until = until),
      )
    } catch (_: GaveUpException) {
      return Step(StepKind.QUIET)
    } catch (error: TransportException) {
      return failed(waitBackoff, error)
    }
    return waited(reply, beganMs)
  }

  private fun waited(reply: Reply, beganMs: Long): Step {
    val nowMs = clock.monotonicMs()
    if (reply.status == 200) {
      nextSyncAtMs = nowMs
      wasReady = true
      return Step(StepKind.READY)
    }
    if (reply.status != 204) return refused(waitBackoff, reply)
    // A server that does not hold the request must not be asked in a loop.
    if (nowMs - beganMs < LEAST_PAUSE_MS) waitBackoff.fail(nowMs) else waitBackoff.reset()
    return Step(StepKind.QUIET)
  }

  private fun refused(backoff: Backoff, reply: Reply): Step {
    if (reply.status == 401) {
      // Never paired anew by itself: the owner may have taken the phone's rights on purpose.
      journal.stop(StopReason.UNAUTHORIZED)
      return Step(StopReason.UNAUTHORIZED)
    }
    val status = Detail(TextKey.STATUS, reply.status)
    return failed(backoff, status, readProblem(reply.body).message, reply.retryAfterMs)
  }

  private fun failed(backoff: Backoff, error: TransportException) =
    failed(backoff, Detail(error.key), error.message.orEmpty())

  private fun failed(
    backoff: Backoff,
    why: Detail,
    rawMessage: String,
    askedMs: Long? = null,
  ): Step {
    val pauseMs = backoff.fail(clock.monotonicMs(), askedMs)
    val again = Detail(TextKey.AGAIN, pauseMs / 1000)
    return Step(StepKind.SYNC_FAILED, listOf(why, again), rawMessage = rawMessage)
  }

  private companion object {
    /** Between two calls that are made only because there is something to report. */
    const val REPORT_MS = Protocol.REPORT_SECONDS * 1000L

    /** Between two calls that the server's cadence, or a manual "Sync now", asks for. */
    const val LEAST_PAUSE_MS = Protocol.LEAST_PAUSE_SECONDS * 1000L

    /** Real time; the server answers a little sooner. */
    const val WAIT_TIMEOUT_MS = Protocol.WAIT_TIMEOUT_SECONDS * 1000
  }
}
