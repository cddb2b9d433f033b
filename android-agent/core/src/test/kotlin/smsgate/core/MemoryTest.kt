package smsgate.core

import java.io.File
import kotlin.test.assertEquals
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

/** A phone with 10,000 held messages in 64 MB of heap: a JVM of its own. */
class MemoryTest {
  @TempDir lateinit var folder: File

  @Test
  fun `10,000 held messages fit into 64 MB`() {
    val said = ownJvm("-Xmx64m", CrowdedPhone::class.java.name, "$folder/phone.sqlite3")
    assertEquals("10000 held, 3 sent\n", said)
  }
}

/** The program of that JVM: the phone at work for a minute, with messages of ten parts each. */
object CrowdedPhone {
  @JvmStatic
  fun main(arguments: Array<String>) {
    val server = FakeServer()
    TestPhone(File(arguments.single()), server).use { phone ->
      phone.step()
      for (ids in (1L..HELD).chunked(500)) {
        val orders = ids.map { Order(it, 1, "+48500000001", "x".repeat(1530), null, 0, LEASE_MS) }
        val reply = SyncReply(emptyList(), orders, emptySet(), false, 60_000, 10_000, 24)
        phone.journal.accept(reply, phone.clock.monotonicMs())
      }
      print("${phone.journal.held().size} held")
      phone.run(65)
      println(", ${phone.sent.size} sent")
    }
  }

  private const val HELD = 10_000L
  private const val LEASE_MS = 3_600_000L
}
