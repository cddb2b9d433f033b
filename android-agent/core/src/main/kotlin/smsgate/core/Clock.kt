package smsgate.core

import java.time.Instant

/**
 * Time as the phone sees it. Leases and pace go by [monotonicMs]; [wall] only labels reports.
 */
interface Clock {
  /** UUID of the boot that [monotonicMs] counts from; another one is another count. */
  val bootId: String

  /** Milliseconds since some moment of this boot, counting sleep, never set by anybody. */
  fun monotonicMs(): Long

  /** What the phone believes the time is. It may be wrong by years. */
  fun wall(): Instant

  /** Waits that many of this clock's own milliseconds, or until [wakeUp] is called. */
  fun sleep(ms: Long, wakeUp: WakeUp)
}
