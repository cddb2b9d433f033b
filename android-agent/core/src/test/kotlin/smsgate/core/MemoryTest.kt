package smsgate.core

import java.io.File
import java.util.concurrent.TimeUnit
import kotlin.test.assertEquals
import kotlin.test.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

/** A phone with 10,000 held messages in 64 MB of heap: a JVM of its own. */
class MemoryTest {
  @TempDir lateinit var folder: File

  @Test
  fun `10,000 held messages fit into 64 MB`() {
    val output = File(folder, "output")
    val process = ProcessBuilder(
      File(System.getProperty("java.home"), "bin/java").path, "-Xmx64m", "-cp",
      System.getProperty("java.class.path"), CrowdedPhone::class.java.name,
      File(folder, "phone.sqlite3").path,
    ).redirectErrorStream(true).redirectOutput(output).start()
    assertTrue(process.waitFor(120, TimeUnit.SECONDS), "it did not come to an end")
    assertEquals("10000 held, 6 sent\n", output.readText())
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
      phone.run(150)
      println(", ${phone.sent.size} sent")
    }
  }

  private const val HELD = 10_000L
  private const val LEASE_MS = 3_600_000L
}
