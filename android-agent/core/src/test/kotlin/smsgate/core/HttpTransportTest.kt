package smsgate.core

import org.junit.jupiter.api.Test
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.ValueSource
import java.util.concurrent.CountDownLatch
import kotlin.concurrent.thread
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** Real HTTP, with a server that answers in every way but the right one. */
class HttpTransportTest {
  private fun with(serve: (HttpExchange) -> Unit, act: (HttpServer, HttpTransport) -> Unit) =
    HttpServer(serve = serve).use { act(it, transport(it.url)) }

  private fun transport(url: String) = HttpTransport(url, null, SystemClock, "smsgate-agent/1.0")

  private val post = Request("POST", SYNC_PATH, "secret", """{"text":"zażółć"}""", timeoutMs = 300)

  @Test
  fun `it sends what it is given and reads the answer`() =
    with({ it.answer(200, """{"ę":1}""", "Retry-After" to "7") }) { server, transport ->
      val reply = transport.send(post)
      assertEquals(200 to """{"ę":1}""", reply.status to reply.body)
      assertEquals(7_000, reply.retryAfterMs)
      val request = server.requests.single()
      assertEquals("POST" to SYNC_PATH, request.method to request.path)
      assertEquals(post.body, request.body)
      assertEquals("Bearer secret", request.headers["authorization"])
      assertEquals("application/json", request.headers["content-type"])
      assertEquals("smsgate-agent/1.0", request.headers["user-agent"])
    }

  @Test
  fun `a prefix stays before the path`() = with({ it.answer(204) }) { server, _ ->
    transport("${server.url}/sms").send(Request("GET", WAIT_PATH))
    assertEquals("/sms$WAIT_PATH", server.requests.single().path)
  }

  @ParameterizedTest
  @ValueSource(ints = [400, 401, 403, 404, 429, 500, 503])
  fun `a refusal is an answer`(status: Int) =
    with({ it.answer(status, """{"message":"no"}""") }) { server, transport ->
      assertEquals(status, transport.send(post).status)
      assertEquals(status, transport.send(Request("GET", WAIT_PATH)).status)
      assertEquals(2, server.requests.size)
    }

  @Test
  fun `the sentence of a refusal is read`() =
    with({ it.answer(503, """{"message":"too busy"}""") }) { _, transport ->
      assertEquals("too busy", readProblem(transport.send(post).body).message)
    }

  @Test
  fun `no redirect is followed`() =
    with({ it.answer(302, "", "Location" to "/elsewhere") }) { server, transport ->
      assertEquals(302, transport.send(post).status)
      assertEquals(1, server.requests.size)
    }

  @Test
  fun `a lost answer is an error, and the request is not repeated`() =
    with({}) { server, transport ->
      assertFailsWith<TransportException> { transport.send(post) }
      assertEquals(1, server.requests.size)
    }

  @Test
  fun `an answer that is cut is an error`() =
    with({ exchange ->
      exchange.output.write("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{".toByteArray())
    }) { _, transport ->
      assertFailsWith<TransportException> { transport.send(post) }
    }

  @Test
  fun `what is no HTTP is an error`() =
    with({ it.output.write("hello\r\n\r\n".toByteArray()) }) { _, transport ->
      assertFailsWith<TransportException> { transport.send(post) }
    }

  @Test
  fun `an answer without end is an error`() = with({ exchange ->
    exchange.output.write("HTTP/1.1 200 OK\r\n\r\n".toByteArray())
    repeat(100) { exchange.output.write(ByteArray(64 * 1024)) }
  }) { _, transport ->
    val error = assertFailsWith<TransportException> { transport.send(post) }
    assertTrue("too long" in error.message!!)
  }

  @Test
  fun `a server that does not answer is given up after the time-out`() {
    val end = CountDownLatch(1)
    with({ end.await() }) { _, transport ->
      assertFailsWith<TransportException> { transport.send(post) }
      end.countDown()
    }
  }

  @Test
  fun `nobody there is an error`() {
    val url = HttpServer {}.use { it.url }
    assertFailsWith<TransportException> { transport(url).send(post) }
  }

  @Test
  fun `a wait ends when the phone is called`() {
    val end = CountDownLatch(1)
    with({ end.await() }) { server, transport ->
      val wakeUp = WakeUp()
      thread {
        while (server.requests.isEmpty()) Thread.onSpinWait()
        wakeUp.call()
      }
      assertFailsWith<GaveUpException> { transport.send(wait(wakeUp, 60_000)) }
      end.countDown()
    }
  }

  @Test
  fun `a wait ends at its time`() {
    val end = CountDownLatch(1)
    with({ end.await() }) { _, transport ->
      assertFailsWith<GaveUpException> { transport.send(wait(WakeUp(), 50)) }
      end.countDown()
    }
  }

  @Test
  fun `a wait gives the answer as soon as it comes`() =
    with({ it.answer(200, """{"ready":true}""") }) { _, transport ->
      assertEquals(200, transport.send(wait(WakeUp(), 60_000)).status)
    }

  @Test
  fun `a wait that fails says why`() = with({}) { _, transport ->
    val error = assertFailsWith<TransportException> { transport.send(wait(WakeUp(), 60_000)) }
    assertTrue(error !is GaveUpException)
  }

  private fun wait(wakeUp: WakeUp, ms: Long) =
    Request("GET", WAIT_PATH, until = Until(wakeUp, SystemClock.monotonicMs() + ms))

  @ParameterizedTest
  @ValueSource(
    strings = ["http://192.168.1.10:8000", "http://127.0.0.1.example", "http://localhost.example"],
  )
  fun `cleartext leaves this machine never`(url: String) {
    assertFailsWith<CleartextException> { transport(url).send(post) }
  }

  @Test
  fun `an absurd Retry-After is cut, and a date is not believed`() {
    fun asked(value: String) = Reply(503, headers = mapOf("retry-after" to value)).retryAfterMs
    assertEquals(3_600_000, asked("99999999999999999999"))
    assertEquals(0, asked("0"))
    assertNull(asked("Wed, 21 Oct 2026 07:28:00 GMT"))
    assertNull(asked("-1"))
  }
}
