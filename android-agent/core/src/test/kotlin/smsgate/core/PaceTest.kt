package smsgate.core

import net.jqwik.api.Arbitraries
import net.jqwik.api.Arbitrary
import net.jqwik.api.Combinators.combine
import net.jqwik.api.Example
import net.jqwik.api.ForAll
import net.jqwik.api.Property
import net.jqwik.api.Provide
import net.jqwik.api.constraints.Size
import java.io.File
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** The two limits of the radio, for any sequence of texts, restarts and reboots. */
class PaceTest {
  data class Arrival(val pauseMs: Int, val sim: Int, val segments: Int, val isRestarted: Boolean)

  @Property
  fun `both limits hold, and it never waits longer than it must`(
    @ForAll("arrivals") @Size(max = 40) arrivals: List<Arrival>,
  ) {
    val starts = ArrayList<Start>()
    var nowMs = 1_000_000L
    var pace = Pace(starts)
    for (arrival in arrivals) {
      nowMs += arrival.pauseMs
      if (arrival.isRestarted) pace = Pace(starts)
      fun readyAt(ms: Long) =
        maxOf(pace.simReadyAtMs(arrival.sim, ms), pace.segmentsReadyAtMs(arrival.segments, ms))
      val readyMs = readyAt(nowMs)
      assertEquals(readyMs, readyAt(readyMs))
      if (readyMs > nowMs) assertTrue(readyAt(readyMs - 1) > readyMs - 1, "it waits too long")
      nowMs = readyMs
      starts += Start(nowMs, arrival.sim, arrival.segments)
      pace.note(starts.last())
    }
    assertPaceKept(starts)
  }

  @Property(tries = 25)
  fun `a phone keeps the pace over restarts and reboots`(
    @ForAll("lengths") @Size(min = 1, max = 12) lengths: List<Int>,
    @ForAll("stops") @Size(max = 6) stops: List<Int>,
  ) = inFolder { folder ->
    val server = FakeServer()
    lengths.forEachIndexed { index, length -> server.add("x".repeat(length), sim = index % 2) }
    TestPhone(File(folder, "phone.sqlite3"), server).use { phone ->
      for (seconds in stops) {
        phone.run(seconds.toLong())
        if (seconds % 3 == 0) phone.reboot() else phone.restart()
      }
      phone.run()
      assertTrue(phone.sent.isNotEmpty())
      assertPaceKept(phone.sent)
    }
  }

  @Example
  fun `a text longer than the limit waits for an empty minute`() {
    val pace = Pace(listOf(Start(0, 0, 3)))
    pace.limit(PACE_MS, 5)
    assertEquals(WINDOW_MS, pace.segmentsReadyAtMs(10, 10_000))
  }

  @Example
  fun `the server may slow it down but not hurry it`() {
    val pace = Pace(emptyList())
    pace.limit(0, 1000)
    assertEquals(PACE_MS to SEGMENTS_PER_MINUTE, pace.paceMs to pace.segmentsPerMinute)
    pace.limit(30_000, 6)
    assertEquals(30_000L to 6, pace.paceMs to pace.segmentsPerMinute)
  }

  private fun assertPaceKept(starts: List<Start>) {
    starts.forEachIndexed { index, start ->
      val before = starts.take(index)
      assertTrue(before.none { it.sim == start.sim && start.atMs - it.atMs < PACE_MS }, "$starts")
      val segments = before.filter { start.atMs - it.atMs < WINDOW_MS }.sumOf { it.segments }
      assertTrue(segments + start.segments <= SEGMENTS_PER_MINUTE, "$starts")
    }
  }

  @Provide
  fun arrivals(): Arbitrary<List<Arrival>> {
    val booleans = Arbitraries.of(true, false)
    val ints = Arbitraries.integers()
    return combine(ints.between(0, 70_000), ints.between(0, 1), ints.between(1, 12), booleans)
      .`as`(::Arrival).list()
  }

  @Provide
  fun lengths(): Arbitrary<List<Int>> = Arbitraries.of(5, 200, 1000, 1530).list()

  /** Seconds of each life. */
  @Provide
  fun stops(): Arbitrary<List<Int>> = Arbitraries.integers().between(1, 90).list()

  /** The protocol's numbers, not the code's: the code must not be able to move them. */
  private companion object {
    const val PACE_MS = 10_000L
    const val WINDOW_MS = 60_000L
    const val SEGMENTS_PER_MINUTE = 24
  }
}
