package smsgate.core

/** How requests reach the server. */
interface Transport {
  /**
   * One request, tried once; no redirect is followed.
   *
   * Throws [TransportException] when no answer came, and [GaveUpException] when [Request.until] is
   * over before the answer is there.
   */
  fun send(request: Request): Reply
}

class Request(
  val method: String,
  val path: String,
  val token: String? = null,
  /** JSON. */
  val body: String? = null,
  /** How long the server may take, in real time. */
  val timeoutMs: Int = 30_000,
  /** Makes this a wait that may be broken off. */
  val until: Until? = null,
)

/** A wait ends when [wakeUp] is called, or at this monotonic millisecond. */
class Until(val wakeUp: WakeUp, val atMs: Long)

class Reply(
  val status: Int,
  val body: String = "",
  private val headers: Map<String, String> = emptyMap(),
) {
  /**
   * Milliseconds to wait, if the server names them. A date is not believed: clocks may be wrong,
   * and an absurd wait is cut.
   */
  val retryAfterMs: Long?
    get() {
      val header = headers.entries.firstOrNull { it.key.equals("Retry-After", ignoreCase = true) }
      val digits = header?.value?.takeIf { it.isNotEmpty() && it.all { c -> c in '0'..'9' } }
        ?: return null
      val longest = Protocol.LONGEST_RETRY_AFTER_SECONDS.toLong()
      return (digits.toLongOrNull() ?: longest).coerceAtMost(longest) * 1000
    }
}

/** No answer came: nobody knows whether the server saw the request. */
open class TransportException(
  message: String,
  cause: Throwable? = null,
  val key: TextKey = TextKey.NO_ANSWER,
) : Exception(message, cause)

/** The caller had something better to do than to wait. */
class GaveUpException : TransportException("gave up")

/** The address would carry everything for everybody to read; nothing was sent. */
class CleartextException : TransportException("cleartext", key = TextKey.CLEARTEXT)
