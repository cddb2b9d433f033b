package smsgate.app

import smsgate.core.Clock
import smsgate.core.WakeUp
import java.time.Instant

/** Stands still until a test moves it. Who sleeps is woken when it moves. */
class FakeClock : Clock {
  override var bootId = "b0000000-0000-4000-8000-000000000001"
  private val wakeUps = HashSet<WakeUp>()
  private var nowMs = 1_000_000L

  @Synchronized
  fun advance(seconds: Long) {
    nowMs += seconds * 1000
    wakeUps.forEach(WakeUp::call)
  }

  @Synchronized
  override fun monotonicMs() = nowMs

  override fun wall(): Instant = Instant.parse("2026-03-02T09:15:00Z").plusMillis(monotonicMs())

  override fun sleep(ms: Long, wakeUp: WakeUp) {
    synchronized(this) { wakeUps += wakeUp }
    wakeUp.await(A_WHILE_MS)
  }

  private companion object {
    /** Real time, in case it moved just before. */
    const val A_WHILE_MS = 500L
  }
}
