package smsgate.app.log

import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder
import smsgate.app.FakeClock
import smsgate.core.Detail
import smsgate.core.TextKey
import java.io.File
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertTrue

class EventLogTest {
  @get:Rule val folder = TemporaryFolder()
  private val log by lazy { EventLog(File(folder.root, "log"), FakeClock()) }

  @Test
  fun `the newest comes first`() {
    log.add(LogKind.SENT, listOf(Detail(TextKey.ATTEMPT, 7, 1)))
    log.add(LogKind.COLLECTED, listOf(Detail(TextKey.SENT, 7), Detail(TextKey.DELIVERED, 8)), "raw")
    val (second, first) = log.last(10)
    assertEquals(LogKind.SENT to listOf(Detail(TextKey.ATTEMPT, 7, 1)), first.kind to first.details)
    assertEquals(listOf(Detail(TextKey.SENT, 7), Detail(TextKey.DELIVERED, 8)), second.details)
    assertEquals("raw", second.rawMessage)
    assertEquals(1, log.last(1).size)
  }

  @Test
  fun `what another version of the app wrote is shown as it is`() {
    log.add(LogKind.PAUSED)
    File(folder.root, "log/current.txt")
      .appendText(
        "2026-03-02T09:15:00Z\tSYNCED\t5 new, 2 acked\n" +
          "2026-03-02T09:16:00Z\tSYNCED\tOLDER\u001F7\t\n",
      )
    assertEquals("5 new, 2 acked", log.last(10)[1].details.single().toString())
    assertEquals(TextKey.TEXT, log.last(10)[0].details.single().key)
    File(folder.root, "log/current.txt").appendText("2026-03-02T09:17:00Z\tSENT\tATTEMPT\u001F7")
    assertEquals(TextKey.TEXT, log.last(1).single().details.single().key, "it has lost a value")
    File(folder.root, "log/current.txt").appendText("\n")
    assertEquals(emptyList(), log.last(10)[3].details)
    File(folder.root, "log/current.txt").appendText("2026-03-02T09:18:00Z\tNEWER_KIND\t\n")
    assertEquals(null to "NEWER_KIND", log.last(1).single().let { it.kind to it.kindName })
  }

  @Test
  fun `numbers, codes and tokens never get in`() {
    log.add(
      LogKind.SYNC_FAILED,
      "to:+48601234567: is +48 601 234 567. And 601234567, code ABCD-EFGH-JKLM, " +
        "key smg_live_0123456789abcdefghij",
    )
    val written = folder.root.walk().filter { it.isFile }.joinToString { it.readText() }
    assertFalse(Regex("601|234|EFGH|0123").containsMatchIn(written), written)
    assertTrue("•••67" in written)
  }

  @Test
  fun `what is no number stays`() {
    for (text in listOf(
      "12 released, 3 unknown", "192.168.100.17:8000 did not answer", "2026-03-02T09:15:00.123Z",
    )) {
      assertEquals(text, scrubbed(text))
    }
  }

  @Test
  fun `it stays small`() {
    repeat(5_000) { log.add(LogKind.SYNCED, "x".repeat(90)) }
    assertTrue(folder.root.walk().filter { it.isFile }.sumOf { it.length() } < 300 * 1024)
    assertEquals(100, log.last(100).size)
  }

  @Test
  fun `a line that was cut by a crash is left out`() {
    log.add(LogKind.SENT, "7")
    File(folder.root, "log/current.txt").appendText("2026-03-02T09")
    assertEquals(1, log.last(10).size)
  }

  @Test
  fun `a disk that refuses costs lines, not the agent`() {
    File(folder.root, "log").writeText("a file stands in the folder's place")
    log.add(LogKind.SENT, "7")
    assertEquals(emptyList(), log.last(10))
  }
}
