package smsgate.core

import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** A SIM that cannot send; the contract's `sim_failing*.json` tell the story, these the rest. */
class FailingSimTest {
  @TempDir lateinit var folder: File
  private val server = FakeServer()
  private val file by lazy { File(folder, "phone.sqlite3") }
  private var plan = Plan(failRate = 1.0)
  private val phone by lazy { TestPhone(file, server, plan) }

  @AfterEach
  fun close() = phone.close()

  /** Steps for so long; what was said meanwhile. */
  private fun live(seconds: Long): List<TextKey> {
    val keys = ArrayList<TextKey>()
    val endsAtMs = phone.clock.monotonicMs() + seconds * 1000
    while (phone.clock.monotonicMs() < endsAtMs) {
      val step = phone.step()
      keys += step.details.map(Detail::key)
      step.wakeAtMs?.let { at -> phone.clock.advance(at - phone.clock.monotonicMs()) }
    }
    return keys
  }

  @Test
  fun `its owner hears of it, and it takes no more`() {
    repeat(9) { server.add() }
    val keys = live(600)
    assertTrue(TextKey.SIM_PAUSED in keys)
    assertTrue(phone.sent.size in 5..7, "${phone.sent.size}")
    assertEquals(setOf(0), phone.journal.pauses().keys)
    assertEquals(emptyList(), phone.journal.leased())
  }

  @Test
  fun `a modem that falls over is not asked for ever, and nothing is guessed`() {
    plan = Plan(silentRate = 1.0)
    phone.onSend = { throw IllegalStateException("a maker's own") }
    repeat(9) { server.add() }
    live(1_200)
    assertEquals(setOf(0), phone.journal.pauses().keys)
    assertTrue(phone.sent.size in 5..6, "${phone.sent.size}")
    val types = server.events.values.map { it.getString("type") }.toSet()
    assertTrue("part_failed" !in types, "$types")
    assertTrue("unknown" in types, "$types")
  }

  @Test
  fun `sync now lets it be tried again`() {
    repeat(9) { server.add() }
    live(600)
    assertEquals(setOf(0), phone.journal.pauses().keys)
    phone.agent.syncNow()
    assertEquals(emptySet(), phone.journal.pauses().keys)
  }
}
