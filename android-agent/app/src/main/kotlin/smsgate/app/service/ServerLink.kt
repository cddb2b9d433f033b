package smsgate.app.service

import smsgate.core.Clock
import smsgate.core.Invitation
import smsgate.core.Reply
import smsgate.core.Request
import smsgate.core.Transport
import smsgate.core.TransportException
import java.time.Duration
import java.time.Instant
import java.time.format.DateTimeParseException

/** The way to the server that the phone is paired with, and what was seen on it. */
class ServerLink(
  private val clock: Clock,
  private val connect: (baseUrl: String, pin: String?) -> Transport,
) : Transport {
  @Volatile private var target: Transport? = null

  /** Monotonic milliseconds of the last sync that the server answered. */
  @Volatile
  var lastSyncMs: Long? = null
    private set

  /** How far this phone's clock is ahead of the server's. */
  @Volatile
  var skew: Duration? = null
    private set

  fun follow(baseUrl: String?, pin: String?) {
    target = baseUrl?.let { connect(it, pin) }
    lastSyncMs = null
    skew = null
  }

  /** A server that this phone is not paired with yet. */
  fun to(invitation: Invitation): Transport = connect(invitation.baseUrl, invitation.pin)

  override fun send(request: Request): Reply {
    val reply = (target ?: throw TransportException("not paired")).send(request)
    if (request.method == "POST" && reply.status == 200) {
      lastSyncMs = clock.monotonicMs()
      serverTime(reply.body)?.let { skew = Duration.between(it, clock.wall()) }
    }
    return reply
  }

  private fun serverTime(body: String): Instant? =
    try {
      SERVER_TIME.find(body)?.let { Instant.parse(it.groupValues[1]) }
    } catch (_: DateTimeParseException) {
      null
    }

  private companion object {
    val SERVER_TIME = Regex("\"server_time\"\\s*:\\s*\"([^\"]+)\"")
  }
}
