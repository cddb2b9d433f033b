package smsgate.core

import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import kotlin.test.assertEquals

/** A phone with 10,000 leased messages in 64 MB of heap: a JVM of its own. */
class MemoryTest {
  @TempDir lateinit var folder: File

  @Test
  fun `10,000 leased messages fit into 64 MB`() {
    val output = ownJvm("-Xmx64m", CrowdedPhone::class.java.name, "$folder/phone.sqlite3")
    assertEquals("10000 leased, 3 sent\n", output)
  }
}

/** The program of that JVM: the phone at work for a minute, with messages of ten parts each. */
object CrowdedPhone {
  @JvmStatic
  fun main(arguments: Array<String>) {
    val server = FakeServer()
    TestPhone(File(arguments.single()), server).use { phone ->
      phone.step()
      for (ids in (1L..LEASED).chunked(500)) {
        val startBeforeMs = phone.clock.monotonicMs() + LEASE_MS
        val messages = ids.map {
          LeasedMessage(it, 1, "+48500000001", "x".repeat(1530), null, 0, startBeforeMs)
        }
        phone.journal.accept(
          SyncReply(emptyList(), messages, emptySet(), false, 60_000, 10_000, 24),
        )
      }
      print("${phone.journal.leased().size} leased")
      phone.run(65)
      println(", ${phone.sent.size} sent")
    }
  }

  private const val LEASED = 10_000L
  private const val LEASE_MS = 3_600_000L
}
