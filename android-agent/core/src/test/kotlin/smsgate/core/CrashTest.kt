package smsgate.core

import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.io.RandomAccessFile
import kotlin.test.assertEquals
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** A phone that dies anywhere neither repeats nor loses. */
class CrashTest {
  @TempDir lateinit var folder: File

  @Test
  fun `it may be killed after each statement of the journal`() {
    var count = 1
    while (diesAndGoesOn(Death(null, count), File(folder, "$count.sqlite3"))) count++
    assertTrue(count > 50, "only $count statements")
  }

  @Test
  fun `it may be killed at each checkpoint`() {
    for (checkpoint in Checkpoint.entries) {
      for (count in 1..2) {
        val file = File(folder, "$checkpoint-$count.sqlite3")
        assertTrue(diesAndGoesOn(Death(checkpoint, count), file), "never came to $checkpoint")
      }
    }
  }

  /** False: it came to its end before that death. */
  private fun diesAndGoesOn(death: Death, file: File): Boolean {
    val server = FakeServer()
    listOf("one", "x".repeat(200), "three").forEach { server.add(it) }
    TestPhone(file, server).use { phone ->
      if (phone.run(death = death) != null) return false
      phone.restart()
      phone.run()
      assertTrue(phone.starts.values.all { it == 1 }, "$death: ${phone.starts}")
      assertEquals(emptyList(), server.lost(), "$death")
      assertEquals(emptyMap(), phone.journal.counts(), "$death")
      assertTrue(server.isEmpty)
    }
    return true
  }

  @Test
  fun `the write-ahead file may end at each frame`() {
    val file = File(folder, "phone.sqlite3")
    val wal = File("$file-wal")
    val server = FakeServer()
    val framesAtSend = HashMap<Long, Int>()
    val phone = TestPhone(file, server)
    phone.onSend = { framesAtSend[it.messageId] = frames(wal) }
    repeat(3) { server.add("x".repeat(1 + 200 * it)) }
    phone.run(25)
    val total = frames(wal)
    assertTrue(total > 20, "only $total frames")
    for (count in 0..total) {
      for (torn in listOf(0, FRAME / 2)) {
        val cut = File(folder, "cut.sqlite3")
        copyCut(file, cut, WAL_HEADER + count.toLong() * FRAME + torn)
        val sentBefore = framesAtSend.filterValues { it <= count }.keys
        assertNeverStartsAgain(cut, sentBefore)
      }
    }
    phone.close()
  }

  private fun assertNeverStartsAgain(file: File, sent: Set<Long>) {
    val server = FakeServer()
    TestPhone(file, server, isPaired = false).use { phone ->
      assertNull(phone.journal.setAsideAs, "a cut end is no corruption")
      phone.steps()
      phone.clock.advance(60_000)
      phone.steps()
      val again = phone.starts.keys.map { it.messageId }.filter { it in sent }
      assertEquals(emptyList(), again)
    }
  }

  private fun copyCut(file: File, copy: File, walBytes: Long) {
    listOf("", "-shm", "-wal").forEach { File("$copy$it").delete() }
    file.copyTo(copy)
    val wal = File("$file-wal").copyTo(File("$copy-wal"))
    RandomAccessFile(wal, "rw").use { it.setLength(minOf(it.length(), walBytes)) }
  }

  private fun frames(wal: File) = ((wal.length() - WAL_HEADER) / FRAME).toInt()

  private companion object {
    const val WAL_HEADER = 32
    const val FRAME = 24 + 4096
  }
}
