package smsgate.core

import java.io.BufferedInputStream
import java.io.Closeable
import java.io.InputStream
import java.io.OutputStream
import java.net.InetAddress
import java.net.ServerSocket
import java.net.Socket
import java.net.SocketException
import java.util.concurrent.CopyOnWriteArrayList
import kotlin.concurrent.thread

/** What a client sent, and the stream that its answer goes into; the connection ends after it. */
class HttpExchange(
  val method: String,
  val path: String,
  val headers: Map<String, String>,
  val body: String,
  val output: OutputStream,
) {
  fun answer(status: Int, body: String = "", vararg headers: Pair<String, String>) {
    val bytes = body.toByteArray()
    val length = if (status == 204) emptyList() else listOf("Content-Length" to "${bytes.size}")
    val lines = (headers.toList() + length).joinToString("") { "${it.first}: ${it.second}\r\n" }
    output.write("HTTP/1.1 $status Said\r\n$lines\r\n".toByteArray() + bytes)
  }
}

/** A server on the loopback, down to the bytes, so that it can go wrong in every way. */
class HttpServer(
  private val socket: ServerSocket = ServerSocket(0, 50, InetAddress.getLoopbackAddress()),
  private val serve: (HttpExchange) -> Unit,
) : Closeable {
  val url get() = "http://127.0.0.1:${socket.localPort}"
  val requests = CopyOnWriteArrayList<HttpExchange>()
  private val open = CopyOnWriteArrayList<Socket>()

  init {
    thread(isDaemon = true, name = "server") {
      try {
        while (true) accept(socket.accept())
      } catch (_: SocketException) {
        // Closed.
      }
    }
  }

  private fun accept(client: Socket) {
    open += client
    thread(isDaemon = true, name = "connection") {
      try {
        client.use { serve(read(it).also(requests::add)) }
      } catch (_: java.io.IOException) {
        // The client has gone.
      }
    }
  }

  private fun read(client: Socket): HttpExchange {
    val input = BufferedInputStream(client.getInputStream())
    val (method, path) = line(input).split(" ")
    val headers = generateSequence { line(input).ifEmpty { null } }
      .associate { it.substringBefore(": ").lowercase() to it.substringAfter(": ") }
    val body = ByteArray(headers["content-length"]?.toInt() ?: 0)
    var count = 0
    while (count < body.size) count += input.read(body, count, body.size - count)
    return HttpExchange(method, path, headers, body.decodeToString(), client.getOutputStream())
  }

  private fun line(input: InputStream): String {
    val line = StringBuilder()
    while (true) {
      val byte = input.read()
      if (byte < 0) throw SocketException("ended")
      if (byte == '\n'.code) return line.toString().trimEnd('\r')
      line.append(byte.toChar())
    }
  }

  override fun close() {
    socket.close()
    open.forEach { it.close() }
  }
}

/** The fake server behind real HTTP. */
fun serving(server: FakeServer) = HttpServer { exchange ->
  val token = exchange.headers["authorization"]?.removePrefix("Bearer ")
  val body = exchange.body.ifEmpty { null }
  val reply = server.handle(Request(exchange.method, exchange.path, token, body))
  exchange.answer(reply.status, reply.body)
}
