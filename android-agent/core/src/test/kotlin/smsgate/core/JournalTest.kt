package smsgate.core

import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** What the phone does when its memory fails it. */
class JournalTest {
  @TempDir lateinit var folder: File
  private val server = FakeServer()
  private val file get() = File(folder, "phone.sqlite3")

  @Test
  fun `a corrupt journal is set aside and sending is refused`() {
    val phone = TestPhone(file, server)
    phone.journal.close()
    file.writeText("not a database".repeat(1000))
    server.add()
    phone.restart()
    assertTrue(assertNotNull(phone.journal.setAsideAs).readText().startsWith("not a database"))
    assertEquals(listOf(StepKind.STOPPED), phone.steps())
    phone.restart()
    assertEquals(Step(StopReason.JOURNAL_CORRUPT), phone.step(), "its owner decides, not a restart")
    assertFailsWith<PairingException> {
      pair(phone.journal, FaultyTransport(server, phone.clock), INVITATION, FakeDevice)
    }
    assertTrue(phone.sent.isEmpty())
    phone.close()
  }

  @Test
  fun `after the owner's decision it pairs as a new install`() {
    val phone = TestPhone(file, server)
    val former = phone.journal.installId()
    phone.journal.close()
    file.writeText("not a database".repeat(1000))
    server.add()
    phone.restart()
    phone.journal.forgetSetAside()
    pair(phone.journal, FaultyTransport(server, phone.clock), INVITATION, FakeDevice)
    phone.run()
    assertEquals(1, phone.sent.size)
    assertTrue(former != server.pairings.single().getString("install_id"))
    phone.close()
  }

  @Test
  fun `a journal that breaks while it is open is set aside`() {
    val phone = TestPhone(file, server)
    JdbcStore.Opener().open(file).use { store ->
      // More than SQLite keeps in memory.
      store.transaction { repeat(1500) { store.execute(Sql["report"], "$it", 1, 1, BODY) } }
    }
    phone.restart() // What was written is in the main file now.
    file.writeBytes(file.readBytes().also { it.fill(7, 4096, it.size) })
    server.add()
    assertEquals(StepKind.STOPPED, phone.steps().last())
    assertEquals(StopReason.JOURNAL_CORRUPT, phone.journal.stopReason)
    assertTrue(phone.sent.isEmpty())
    phone.close()
  }

  @Test
  fun `a copy of a journal sends nothing`() {
    val phone = TestPhone(file, server, identify = { it.name })
    repeat(2) { server.add() }
    phone.steps() // One is sent, one is leased.
    phone.journal.close()
    val copy = file.copyTo(File(folder, "copy.sqlite3"))
    TestPhone(copy, server, identify = { it.name }, isPaired = false).use { doubled ->
      assertEquals(Step(StopReason.JOURNAL_COPIED), doubled.step())
      assertEquals(0, doubled.journal.unreported(), "it gives nothing back that may yet be sent")
    }
    phone.restart()
    phone.run()
    assertEquals(setOf(1), phone.starts.values.toSet())
    assertEquals(2, phone.sent.size)
    phone.close()
  }

  @Test
  fun `a token that this phone cannot open is a copy`() {
    TestPhone(file, server, vault = ReversingVault("a")).use {
      assertEquals(FakeServer.TOKEN, it.journal.token)
    }
    TestPhone(file, server, vault = ReversingVault("b"), isPaired = false).use {
      assertEquals(Step(StopReason.JOURNAL_COPIED), it.step())
      assertNull(it.journal.token)
    }
  }

  @Test
  fun `the sealed token is all that the file shows`() {
    TestPhone(file, server, vault = ReversingVault("a")).close()
    assertTrue(FakeServer.TOKEN !in file.readBytes().decodeToString())
  }

  @Test
  fun `the same report of the radio is passed on once`() {
    val phone = TestPhone(file, server)
    val report = Report(server.add(), 1, 1, 1, Report.Type.SENT)
    phone.steps()
    phone.journal.record(listOf(report, report))
    phone.journal.record(listOf(report))
    assertEquals(2, phone.journal.unreported(), "started and part_sent")
    phone.close()
  }

  @Test
  fun `another device of the phone gets nothing of this one`() {
    val phone = TestPhone(file, server)
    repeat(2) { server.add() }
    phone.steps()
    assertEquals(listOf(2L), phone.journal.leased().map { it.messageId })
    phone.journal.storePairing(INVITATION, PairReply(8, "other", "Demo"))
    assertEquals(emptyList(), phone.journal.leased())
    phone.close()
  }

  @Test
  fun `a lease is checked in the transaction of the start`() {
    val phone = TestPhone(file, server)
    val message = LeasedMessage(1, 1, "+48500000001", "hello", null, 0, startBeforeMs = 600_000)
    phone.journal.accept(SyncReply(emptyList(), listOf(message), emptySet(), false, 60, 10, 24))
    val start = { nowMs: Long -> phone.journal.start(message, 1, 0, nowMs, 60_000) }
    assertEquals(listOf(false, true, false), listOf(600_000L, 599_999, 599_999).map(start))
    assertEquals(1, phone.journal.unreported())
    phone.close()
  }

  @Test
  fun `a call carries 200 events and 256 KiB at most`() {
    val phone = TestPhone(file, server) // The server refuses more.
    repeat(450) { phone.journal.receive("+48500000001", "$it: " + "ż".repeat(900), 0) }
    phone.run()
    val numbers = server.events.values.map { it.getString("text").substringBefore(":").toInt() }
    assertEquals((0 until 450).toList(), numbers)
    assertEquals(0, phone.journal.unreported())
    phone.close()
  }

  @Test
  fun `an inbound text that is no text is made one`() {
    val phone = TestPhone(file, server)
    phone.journal.receive("Info\u0000", "half \uD83D of an emoji", null)
    phone.run()
    assertEquals("Info\uFFFD", server.events.values.single().getString("sender"))
    assertEquals("half ? of an emoji", server.events.values.single().getString("text"))
    phone.close()
  }

  private class ReversingVault(private val key: String) : TokenVault {
    override fun seal(token: String) = key + token.reversed()

    override fun open(sealed: String) =
      if (sealed.startsWith(key)) sealed.removePrefix(key).reversed() else null
  }

  private companion object {
    val BODY = "x".repeat(2000)
    val INVITATION = Invitation(FakeServer.URL, FakeServer.CODE)
  }
}
