package smsgate.core

import java.time.Duration
import java.time.Instant

/** Stands still until told. */
class ManualClock(private var nowMs: Long = 1_000_000) : Clock {
  private var wall = Instant.parse("2026-01-01T12:00:00Z")
  private var boots = 1

  override val bootId get() = "b0000000-0000-4000-8000-%012d".format(boots)

  override fun monotonicMs() = nowMs

  override fun wall(): Instant = wall

  override fun sleep(ms: Long, wakeUp: WakeUp) = advance(maxOf(0, ms))

  fun advance(ms: Long) {
    nowMs += ms
    wall += Duration.ofMillis(ms)
  }

  /** Sets the wall clock wrong (or right again); nothing else may notice. */
  fun skew(by: Duration) {
    wall += by
  }

  /** Another boot: its count of milliseconds starts again. */
  fun reboot() {
    boots++
    nowMs = 0
  }
}
