package smsgate.core

import net.jqwik.api.Arbitraries
import net.jqwik.api.Arbitrary
import net.jqwik.api.Combinators.combine
import net.jqwik.api.Example
import net.jqwik.api.ForAll
import net.jqwik.api.Property
import net.jqwik.api.Provide
import net.jqwik.api.constraints.IntRange
import net.jqwik.api.constraints.Size
import java.io.File
import java.time.Duration
import kotlin.io.path.createTempDirectory
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** Nothing is sent twice and nothing is lost, whatever network, process and radio do. */
class FaultsTest {
  data class Life(val death: Death, val isReboot: Boolean)

  @Property(tries = 60)
  fun `each message starts once at most and is accounted for`(
    @ForAll("faults") faults: Faults,
    @ForAll("plans") plan: Plan,
    @ForAll("lives") @Size(max = 5) lives: List<Life>,
    @ForAll @IntRange(max = 99) seed: Int,
    @ForAll @IntRange(min = 1, max = 8) count: Int,
  ) = inFolder { folder ->
    val server = FakeServer()
    repeat(count) { server.add(if (it % 3 == 0) "x".repeat(200) else "hello", priority = it % 2) }
    TestPhone(File(folder, "phone.sqlite3"), server, plan, faults, seed).use { phone ->
      for (life in lives) {
        phone.run(1800, life.death)
        if (life.isReboot) phone.reboot() else phone.restart()
      }
      phone.run()
      assertTrue(phone.agent.isSettled)
      assertEquals(emptyMap(), phone.journal.counts())
      assertTrue(phone.starts.values.all { it == 1 })
      assertTrue(server.isEmpty)
      assertEquals(emptyList(), server.lost())
      assertToldTheTruth(server, phone.starts.keys.map { it.messageId }.toSet(), count)
    }
  }

  /** Whoever was not told to the radio never counts as sent; nobody is released after a start. */
  private fun assertToldTheTruth(server: FakeServer, started: Set<Long>, count: Int) {
    for (messageId in 1L..count) {
      val types = server.types(messageId).toSet()
      if (messageId in started) {
        assertTrue("released" !in types)
      } else {
        assertTrue(types.none { it == "part_sent" || it == "part_delivered" })
        assertTrue(types.any { it == "released" || it == "unknown" || it == "part_failed" })
      }
    }
  }

  @Example
  fun `a wall clock wrong by ten years changes nothing but the labels`() {
    val told = listOf(0L, 3650, -3650).map { days ->
      inFolder { folder ->
        val server = FakeServer()
        server.add()
        server.add(startWithinSeconds = 5)
        TestPhone(File(folder, "phone.sqlite3"), server).use { phone ->
          phone.clock.skew(Duration.ofDays(days))
          phone.run()
        }
        server.events.values.map { Triple(it["type"], it["message_id"], it["code"]) }
      }
    }
    assertEquals(1, told.toSet().size, "$told")
    assertEquals(4, told[0].size, "one was sent and delivered, one was too late")
  }

  @Example
  fun `a wall clock that jumps in mid-run changes nothing`() = inFolder { folder ->
    val server = FakeServer()
    repeat(3) { server.add() }
    TestPhone(File(folder, "phone.sqlite3"), server).use { phone ->
      phone.run(5)
      phone.clock.skew(Duration.ofDays(-3650))
      phone.restart()
      phone.run(10)
      phone.clock.skew(Duration.ofDays(7300))
      phone.restart()
      phone.run()
      assertEquals(setOf(1), phone.starts.values.toSet())
      assertEquals(3, phone.starts.size)
    }
  }

  @Provide
  fun faults(): Arbitrary<Faults> =
    combine(RATE, RATE, RATE, RATE, Arbitraries.of(0.0, 0.1)).`as`(::Faults)

  @Provide
  fun plans(): Arbitrary<Plan> = combine(RATE, RATE, RATE, Arbitraries.integers().between(0, 99))
    .`as` { fail, undelivered, silent, seed -> Plan(fail, undelivered, silent, seed) }

  @Provide
  fun lives(): Arbitrary<List<Life>> {
    val checkpoints = Arbitraries.of(listOf(null) + Checkpoint.entries)
    return combine(checkpoints, Arbitraries.integers().between(1, 3), Arbitraries.of(true, false))
      .`as` { checkpoint, count, isReboot ->
        Life(Death(checkpoint, if (checkpoint == null) count * 17 else count), isReboot)
      }
      .list()
  }

  private companion object {
    val RATE: Arbitrary<Double> = Arbitraries.of(0.0, 0.2, 0.5)
  }
}

internal fun <T> inFolder(act: (File) -> T): T {
  val folder = createTempDirectory("smsgate").toFile()
  try {
    return act(folder)
  } finally {
    folder.deleteRecursively()
  }
}
