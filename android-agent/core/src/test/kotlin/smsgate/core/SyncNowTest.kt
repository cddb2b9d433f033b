package smsgate.core

import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import kotlin.concurrent.thread
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** Somebody wants the next sync now. */
class SyncNowTest {
  @TempDir lateinit var folder: File
  private val server = FakeServer()
  private val phone by lazy { TestPhone(File(folder, "phone.sqlite3"), server) }

  @AfterEach
  fun close() = phone.close()

  @Test
  fun `it ends the back-off`() {
    server.isDown = true
    repeat(8) {
      phone.steps()
      phone.clock.advance(120_000)
    }
    phone.steps()
    server.isDown = false
    phone.clock.advance(1_000)
    assertEquals(listOf(StepKind.IDLE), phone.steps())
    phone.agent.syncNow()
    assertEquals(listOf(StepKind.SYNCED, StepKind.IDLE), phone.steps())
  }

  @Test
  fun `it ends the cadence`() {
    phone.steps()
    phone.clock.advance(1_000)
    phone.agent.syncNow()
    assertEquals(listOf(StepKind.SYNCED, StepKind.IDLE), phone.steps())
  }

  @Test
  fun `a wait that the server asked for stays`() {
    server.refusal = Reply(503, "{}", mapOf("Retry-After" to "60"))
    phone.steps()
    server.refusal = null
    phone.clock.advance(59_000)
    phone.agent.syncNow()
    assertEquals(listOf(StepKind.IDLE), phone.steps())
    phone.clock.advance(1_000)
    assertEquals(listOf(StepKind.SYNCED, StepKind.IDLE), phone.steps())
  }

  @Test
  fun `a nervous finger hurries neither the server nor the radio`() {
    repeat(3) { server.add() }
    phone.steps()
    repeat(40) {
      phone.clock.advance(100)
      phone.agent.syncNow()
      phone.steps()
    }
    assertEquals(1, phone.sent.size, "the pace is ten seconds")
    assertTrue(server.syncs.size <= 5, "more than one a second: ${server.syncs.size}")
  }

  @Test
  fun `it ends the long poll, from another thread`() {
    val (isWaiting, isSynced) = List(2) { CountDownLatch(1) }
    val transport = object : Transport {
      override fun send(request: Request): Reply {
        if (request.path == SYNC_PATH && isWaiting.count == 0L) isSynced.countDown()
        val until = request.until ?: return server.handle(request)
        isWaiting.countDown()
        until.wakeUp.await(PATIENCE_MS)
        throw GaveUpException()
      }
    }
    val agent = Agent(phone.journal, transport, phone.sender, phone.clock, FakeDevice)
    val runner = Runner(agent, phone.clock, WakeUp())
    val driver = thread { runner.run() }
    assertTrue(isWaiting.await(PATIENCE_MS, TimeUnit.MILLISECONDS))
    phone.clock.advance(1_000)
    runner.syncNow()
    assertTrue(isSynced.await(PATIENCE_MS, TimeUnit.MILLISECONDS))
    runner.stop()
    driver.join()
  }

  private companion object {
    const val PATIENCE_MS = 30_000L
  }
}
