package smsgate.core

import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.ValueSource
import java.io.File
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertTrue

/** A phone that can send nothing claims nothing, and says all the same what it has to say. */
class UnableTest {
  @TempDir lateinit var folder: File
  private val server = FakeServer()
  private val owner = CappedOwner()
  private val file by lazy { File(folder, "phone.sqlite3") }
  private val phone by lazy { TestPhone(file, server, owner = owner) }
  private val capacities get() = server.syncs.map { it.getInt("capacity") }

  @AfterEach
  fun close() = phone.close()

  @ParameterizedTest
  @ValueSource(strings = ["no_permission", "no_sim", "radio_off", "no_service"])
  fun `no SIM that can send`(reason: String) {
    server.add()
    phone.sender.blockedBy = reason
    phone.journal.receive("+48500000001", "hello", 0)
    phone.run()
    assertEquals(setOf(0), capacities.toSet())
    assertEquals(listOf("received"), server.events.values.map { it.getString("type") })
    assertFalse(server.isEmpty, "another phone may have it")
    assertTrue(phone.agent.isSettled)
  }

  @Test
  fun `when the SIM can send again it is asked within a minute, and not in a loop`() {
    server.add()
    phone.sender.blockedBy = "no_service"
    phone.run(300)
    assertEquals(1, server.syncs.size)
    assertFalse(phone.agent.mayWait, "the long poll would say ready, again and again")
    phone.sender.blockedBy = null
    assertEquals(StepKind.SYNCED, phone.step().kind)
    phone.run()
    assertEquals(1, phone.sent.size)
  }

  @Test
  fun `the phone looks again each minute`() {
    phone.sender.blockedBy = "no_service"
    phone.steps()
    assertEquals(phone.clock.monotonicMs() + 60_000, phone.step().wakeAtMs)
  }

  @Test
  fun `a paused phone sleeps until its owner wakes it, or the cadence does`() {
    owner.isPaused = true
    phone.steps()
    assertEquals(phone.clock.monotonicMs() + 900_000, phone.step().wakeAtMs)
  }

  @Test
  fun `a code that is not ours is told as it is`() {
    phone.sender.blockedBy = null
    server.add(startWithinSeconds = 5)
    server.add(startWithinSeconds = 5)
    phone.steps()
    phone.sender.blockedBy = "sent"
    phone.clock.advance(5_000)
    val step = generateSequence { phone.step() }.first { it.kind == StepKind.RELEASED }
    assertEquals("message 2, sent", step.details.joinToString())
  }

  @Test
  fun `a server that is down is not asked in a loop because the SIM can send again`() {
    phone.sender.blockedBy = "no_service"
    phone.steps()
    phone.sender.blockedBy = null
    server.isDown = true
    assertEquals(listOf(StepKind.SYNC_FAILED, StepKind.IDLE), phone.steps())
  }

  @Test
  fun `one SIM of two that can send is enough`() {
    server.add()
    phone.sender.blockedSims = setOf(0)
    phone.run(60)
    assertEquals(0, capacities.last(), "this phone has no other SIM")
    phone.sims = listOf(Sim(1, 0, "Demo"), Sim(2, 1, "Other"))
    phone.run(60)
    assertEquals(6, capacities[1])
  }

  @Test
  fun `every SIM has its day's parts`() {
    owner.cap = 2
    repeat(3) { server.add() }
    phone.run(120)
    assertEquals(2, capacities.first(), "as many as the cap has room for")
    assertEquals(0, capacities.last())
    assertEquals(2, phone.sent.size)
    assertFalse(server.isEmpty)
    phone.clock.advance(24 * 3_600_000L)
    phone.run(60)
    assertEquals(3, phone.sent.size)
  }

  @Test
  fun `what is leased when the SIM is taken out goes back when its lease is over`() {
    repeat(2) { server.add() }
    phone.steps()
    phone.sender.blockedBy = "no_sim"
    server.add()
    phone.run(1_000)
    val released = server.events.values.single { it.getString("type") == "released" }
    assertEquals("no_sim", released.getString("code"))
    assertEquals(listOf(1L), phone.starts.keys.map { it.messageId })
    assertFalse(server.isEmpty, "the third was left alone")
  }

  @Test
  fun `a disk that refuses claims nothing and goes on reporting`() {
    phone.journal.receive("+48500000001", "before the disk was full", 0)
    server.add()
    full {
      phone.steps()
      phone.clock.advance(RETRY_MS)
      phone.steps()
      assertEquals(listOf(0), capacities)
      assertEquals("received", server.events.values.single().getString("type"))
      repeat(20) {
        phone.clock.advance(RETRY_MS)
        phone.steps()
      }
      assertTrue(server.syncs.size < 8, "it backs off: ${server.syncs.size}")
      assertEquals(setOf(0), capacities.toSet())
      assertEquals(1, server.events.size, "one SMS, told again and again by one id")
    }
    phone.run()
    assertEquals(1, phone.sent.size)
    assertEquals(0, phone.journal.unreported())
  }

  @Test
  fun `a claim whose answer could not be written is answered again`() {
    server.add()
    full("INSERT ON attempt") {
      phone.steps()
      assertEquals(6, capacities.single())
      assertTrue(server.isEmpty, "it is leased to this phone")
      phone.clock.advance(RETRY_MS)
      phone.steps()
      val claims = server.syncs.map { it.getString("claim_id") }
      assertEquals(2, claims.size)
      assertEquals(1, claims.toSet().size, "the claim is named as it was")
      assertEquals(0, capacities.last())
    }
    phone.run()
    assertEquals(mapOf(AttemptKey(1, 1) to 1), phone.starts)
  }

  /** Every write, or this one, fails, and reading goes on: as on a full disk. */
  private fun full(vararg writes: String, act: () -> Unit) {
    val all = listOf("setting", "attempt", "event", "part", "pace").flatMap { table ->
      listOf("INSERT", "UPDATE", "DELETE").map { "$it ON $table" }
    }
    val refused = writes.toList().ifEmpty { all }
    phone.journal.leased() // the phone is there
    JdbcStore.Opener().open(file).use { blocker ->
      refused.forEachIndexed { index, write ->
        blocker.execute(
          "CREATE TRIGGER full_$index BEFORE $write BEGIN SELECT raise(ABORT, 'full'); END",
        )
      }
      act()
      refused.indices.forEach { blocker.execute("DROP TRIGGER full_$it") }
    }
  }

  private class CappedOwner : Owner {
    override var isPaused = false
    var cap: Int? = null

    override fun dailyCap(sim: Int) = cap
  }
}
