package smsgate.core

import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** What the phone's owner may set on the phone itself. */
class OwnerTest {
  @TempDir lateinit var folder: File
  private val server = FakeServer()
  private val owner = FakeOwner()
  private val phone by lazy { TestPhone(File(folder, "phone.sqlite3"), server, owner = owner) }

  @Test
  fun `a paused phone claims and starts nothing, and reports`() {
    repeat(3) { server.add() }
    phone.steps()
    owner.isPaused = true
    phone.run(120)
    assertEquals(1, phone.sent.size)
    assertTrue("part_delivered" in server.types(1))
    assertEquals(0, server.syncs.last().getInt("capacity"))
    phone.journal.receive("+48500000001", "still heard", 0)
    phone.run(60)
    assertTrue(server.events.values.any { it.getString("type") == "received" })
    owner.isPaused = false
    phone.run()
    assertEquals(3, phone.sent.size)
    phone.close()
  }

  @Test
  fun `what a paused phone holds goes back when its lease is over`() {
    repeat(2) { server.add() }
    phone.steps()
    owner.isPaused = true
    phone.run(700)
    val released = server.events.values.single { it.getString("type") == "released" }
    assertEquals("paused", released.getString("code"))
    phone.close()
  }

  @Test
  fun `a SIM starts no more parts a day than its owner allows`() {
    owner.cap = 3
    server.add("x".repeat(200)) // Two parts.
    repeat(2) { server.add() }
    phone.run(3_000)
    assertEquals(listOf(1L, 2L), phone.starts.keys.map { it.messageId }.sorted())
    val released = server.events.values.single { it.getString("type") == "released" }
    assertEquals("limit_exceeded", released.getString("code"))
    phone.close()
  }

  @Test
  fun `the cap holds over restarts and ends with the day`() {
    owner.cap = 1
    server.add()
    phone.run(60)
    phone.reboot()
    server.add(startWithinSeconds = 600)
    phone.run(3_000)
    assertEquals(1, phone.sent.size)
    phone.clock.advance(24 * 3_600_000L)
    server.add()
    phone.run(60)
    assertEquals(2, phone.sent.size)
    phone.close()
  }

  private class FakeOwner : Owner {
    override var isPaused = false
    var cap: Int? = null

    override fun dailyCap(sim: Int) = cap
  }
}
