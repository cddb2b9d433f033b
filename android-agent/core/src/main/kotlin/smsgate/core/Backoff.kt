package smsgate.core

/** A pause that grows with each failure; what the server asks for goes before the list. */
internal class Backoff {
  var untilMs = Long.MIN_VALUE
    private set
  private var failures = 0
  private var isAsked = false

  /** Returns the pause in milliseconds. */
  fun fail(nowMs: Long, askedMs: Long? = null): Long {
    val pauses = Protocol.BACKOFF_SECONDS
    val listed = pauses[minOf(failures, pauses.lastIndex)] * 1000L
    failures++
    // "0" would be asked in a loop.
    val pause = askedMs?.coerceAtLeast(pauses[0] * 1000L) ?: listed
    untilMs = nowMs + pause
    isAsked = askedMs != null
    return pause
  }

  /** Somebody does not want to wait. A pause that the server asked for stays. */
  fun cut() {
    if (!isAsked) untilMs = Long.MIN_VALUE
  }

  fun reset() {
    failures = 0
  }
}
