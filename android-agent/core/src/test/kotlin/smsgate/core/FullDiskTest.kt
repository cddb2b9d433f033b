package smsgate.core

import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertTrue

/** What cannot be written down is not started. */
class FullDiskTest {
  @TempDir lateinit var folder: File
  private val server = FakeServer()
  private val file get() = File(folder, "phone.sqlite3")

  @Test
  fun `a start that cannot be recorded does not happen`() {
    val phone = TestPhone(file, server)
    repeat(2) { server.add() }
    phone.steps()
    assertEquals(1, phone.sent.size)
    whileFull("UPDATE ON attempt") {
      phone.clock.advance(10_000)
      assertEquals(StepKind.JOURNAL_FAILED, phone.steps().last())
      assertEquals(1, phone.sent.size)
    }
    phone.run()
    assertEquals(mapOf(AttemptKey(1, 1) to 1, AttemptKey(2, 1) to 1), phone.starts)
    phone.close()
  }

  @Test
  fun `what waits until the lease is over is released as such`() {
    val phone = TestPhone(file, server)
    repeat(2) { server.add() }
    phone.steps()
    whileFull("UPDATE ON attempt") {
      phone.clock.advance(600_000)
      phone.steps()
    }
    phone.run()
    val released = server.events.values.single { it.getString("type") == "released" }
    assertEquals("journal_full", released.getString("code"))
    assertEquals(1, phone.sent.size)
    phone.close()
  }

  @Test
  fun `the radio's reports are not lost while the disk is full`() {
    val phone = TestPhone(file, server)
    server.add()
    phone.steps()
    whileFull("INSERT ON part") {
      phone.clock.advance(5_000)
      assertEquals(listOf(StepKind.JOURNAL_FAILED), phone.steps())
    }
    phone.run()
    assertEquals(listOf("started", "part_sent", "part_delivered"), server.types(1))
    phone.close()
  }

  @Test
  fun `a file that may not grow starts nothing`() {
    val clock = ManualClock()
    val starts = ArrayList<Sms>()
    Journal(file, JdbcStore.Opener(maxPages = 16), clock).use { journal ->
      journal.storePairing(Invitation(FakeServer.URL, "code"), PairReply(7, FakeServer.TOKEN, ""))
      assertFailsWith<StoreException> {
        repeat(1000) { journal.receive("+48500000001", "x".repeat(1000), 0) }
      }
      server.add()
      val agent = Agent(
        journal,
        LostTransport,
        FakeSmsSender(clock, onSend = starts::add),
        clock,
        FakeDevice,
      )
      val message = LeasedMessage(1, 1, "+48500000001", "x".repeat(9000), null, 0, 600_000)
      assertFailsWith<StoreException> {
        journal.accept(SyncReply(emptyList(), listOf(message), emptySet(), false, 60, 10, 24))
      }
      val rests = setOf(StepKind.IDLE, StepKind.JOURNAL_FAILED)
      do {
        val step = agent.step()
      } while (step.kind !in rests)
      assertTrue(starts.isEmpty())
    }
  }

  /** As a full disk does: these writes fail, and reading goes on. */
  private fun whileFull(write: String, act: () -> Unit) {
    JdbcStore.Opener().open(file).use { blocker ->
      blocker.execute("CREATE TRIGGER full BEFORE $write BEGIN SELECT raise(ABORT, 'full'); END")
      act()
      blocker.execute("DROP TRIGGER full")
    }
  }

  private object LostTransport : Transport {
    override fun send(request: Request) = throw TransportException("lost")
  }
}
