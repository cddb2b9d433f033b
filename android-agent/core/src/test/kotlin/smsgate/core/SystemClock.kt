package smsgate.core

import java.time.Instant

/** The machine's own time. */
object SystemClock : Clock {
  override val bootId = "b0000000-0000-4000-8000-000000000001"

  override fun monotonicMs() = System.nanoTime() / 1_000_000

  override fun wall(): Instant = Instant.now()

  override fun sleep(ms: Long, wakeUp: WakeUp) {
    wakeUp.await(ms)
  }
}
