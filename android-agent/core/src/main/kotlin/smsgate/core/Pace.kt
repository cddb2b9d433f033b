package smsgate.core

/** A text that was handed to the radio. */
data class Start(val atMs: Long, val sim: Int, val segments: Int)

/**
 * When the next message may start: at least 10 s between two starts per SIM, and at most 24
 * segments in any 60 s for the whole phone, since Android counts what an app sends, not a SIM.
 */
class Pace(history: List<Start>) {
  var paceMs = PACE_MS
    private set
  var segmentsPerMinute = SEGMENTS_PER_MINUTE
    private set
  private var history = history.sortedBy { it.atMs }

  /** How far back a start can still matter. */
  val horizonMs: Long get() = maxOf(WINDOW_MS, paceMs)

  /**
   * What the server asks for. It may slow the phone down, never hurry it: beyond Android's own
   * limit a text waits behind a question on a screen that nobody looks at.
   */
  fun limit(paceMs: Long, segmentsPerMinute: Int) {
    this.paceMs = maxOf(PACE_MS, paceMs)
    this.segmentsPerMinute = minOf(SEGMENTS_PER_MINUTE, segmentsPerMinute)
  }

  fun note(start: Start) {
    val horizon = start.atMs - horizonMs
    history = (history.filter { it.atMs > horizon } + start).sortedBy { it.atMs }
  }

  /** The first moment, not before now, at which this SIM may start anything. */
  fun simReadyAtMs(sim: Int, nowMs: Long): Long {
    val last = history.lastOrNull { it.sim == sim } ?: return nowMs
    return maxOf(nowMs, last.atMs + paceMs)
  }

  /**
   * The first moment, not before now, at which so many segments fit into the last 60 s. A text that
   * is longer than the limit itself goes when the minute is empty: it could otherwise never go.
   */
  fun segmentsReadyAtMs(segments: Int, nowMs: Long): Long {
    val used = history.filter { it.atMs > nowMs - WINDOW_MS }
    var total = used.sumOf { it.segments }
    var ready = nowMs
    for (start in used) {
      if (total + segments <= segmentsPerMinute) break
      total -= start.segments
      ready = start.atMs + WINDOW_MS
    }
    return ready
  }

  companion object {
    const val WINDOW_MS = Protocol.PACE_WINDOW_SECONDS * 1000L
    const val PACE_MS = Protocol.PACE_SECONDS * 1000L
    const val SEGMENTS_PER_MINUTE = Protocol.SEGMENTS_PER_MINUTE
  }
}
