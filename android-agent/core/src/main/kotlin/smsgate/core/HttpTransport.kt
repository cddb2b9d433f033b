package smsgate.core

import java.io.ByteArrayOutputStream
import java.io.IOException
import java.io.InputStream
import java.net.HttpURLConnection
import java.net.URI
import java.util.concurrent.CompletableFuture
import java.util.concurrent.ExecutionException
import javax.net.ssl.HttpsURLConnection
import javax.net.ssl.SSLException
import kotlin.concurrent.thread

/**
 * HTTP by the platform's own client. Cleartext reaches this machine only.
 *
 * A connection for each request: at one a minute there is nothing to keep alive, and a stale
 * connection can never repeat one.
 */
class HttpTransport(
  private val baseUrl: String,
  /** SHA-256 of the one certificate that is trusted; null: the system's trust. */
  pin: String?,
  private val clock: Clock,
  private val userAgent: String,
) : Transport {
  private val pinned = pin?.let(::PinnedTrust)

  override fun send(request: Request): Reply {
    val connection = open(request)
    val until = request.until ?: return exchange(connection, request)
    return wait(connection, request, until)
  }

  /** The answer comes on a thread of its own, so that this one can listen for what is better. */
  private fun wait(connection: HttpURLConnection, request: Request, until: Until): Reply {
    val answer = CompletableFuture<Reply>()
    thread(isDaemon = true, name = "smsgate-wait") {
      try {
        answer.complete(exchange(connection, request))
      } catch (error: Exception) {
        answer.completeExceptionally(error)
      } finally {
        until.wakeUp.call()
      }
    }
    clock.sleep(until.atMs - clock.monotonicMs(), until.wakeUp)
    if (!answer.isDone) {
      connection.disconnect()
      throw GaveUpException()
    }
    return try {
      answer.get()
    } catch (error: ExecutionException) {
      val cause = error.cause
      throw cause as? TransportException ?: TransportException("$cause", error)
    }
  }

  private fun open(request: Request): HttpURLConnection {
    val url = URI(baseUrl + request.path).toURL()
    if (url.protocol != "https" && !isLoopback(url.host)) throw CleartextException()
    val connection = url.openConnection() as HttpURLConnection
    if (connection is HttpsURLConnection) pinned?.applyTo(connection)
    return connection.apply {
      requestMethod = request.method
      connectTimeout = CONNECT_TIMEOUT_MS
      readTimeout = request.timeoutMs
      instanceFollowRedirects = false
      useCaches = false
      setRequestProperty("Accept", "application/json")
      setRequestProperty("Accept-Encoding", "identity")
      setRequestProperty("Connection", "close")
      setRequestProperty("User-Agent", userAgent)
      request.token?.let { setRequestProperty("Authorization", "Bearer $it") }
    }
  }

  private fun exchange(connection: HttpURLConnection, request: Request): Reply =
    try {
      request.body?.let { write(connection, it.toByteArray()) }
      read(connection)
    } catch (error: SSLException) {
      throw failed(error, TextKey.UNTRUSTED)
    } catch (error: IOException) {
      throw failed(error, TextKey.NO_ANSWER)
    } catch (error: SecurityException) {
      // A firewall app, or a maker's switch, that bars this app from the network.
      throw failed(error, TextKey.BARRED)
    } finally {
      connection.disconnect()
    }

  private fun failed(error: Exception, key: TextKey) =
    TransportException("${error.javaClass.simpleName}: ${error.message}", error, key)

  private fun write(connection: HttpURLConnection, body: ByteArray) {
    connection.doOutput = true
    // Streaming also keeps the client from sending a request again by itself.
    connection.setFixedLengthStreamingMode(body.size)
    connection.setRequestProperty("Content-Type", "application/json")
    connection.outputStream.use { it.write(body) }
  }

  private fun read(connection: HttpURLConnection): Reply {
    val status = connection.responseCode
    if (status < 0) throw IOException("not an HTTP answer")
    // The JDK keeps no body of a 401 that it did not expect.
    val stream = if (status < 400) connection.inputStream else connection.errorStream
    val body = stream?.use(::readAll)
    val announced = connection.getHeaderField("Content-Length")?.toLongOrNull() ?: 0
    if (body != null && body.size < announced) throw IOException("the answer was cut")
    val headers = listOf("Retry-After").mapNotNull { name ->
      connection.getHeaderField(name)?.let { name to it }
    }
    return Reply(status, body?.decodeToString().orEmpty(), headers.toMap())
  }

  private fun readAll(stream: InputStream): ByteArray {
    val body = ByteArrayOutputStream()
    val buffer = ByteArray(16 * 1024)
    while (true) {
      val count = stream.read(buffer)
      if (count < 0) return body.toByteArray()
      val size = body.size() + count
      if (size > Protocol.MAX_REPLY_BYTES) throw IOException("the answer is too long")
      body.write(buffer, 0, count)
    }
  }

  private companion object {
    const val CONNECT_TIMEOUT_MS = 15_000

    fun isLoopback(host: String) =
      host == "localhost" || host == "[::1]" || host == "::1" || isLoopbackV4(host)

    private fun isLoopbackV4(host: String) = Regex("127(\\.\\d{1,3}){3}").matches(host)
  }
}
