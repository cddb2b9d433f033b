package smsgate.app.service

import smsgate.core.Clock
import smsgate.core.Invitation
import smsgate.core.Reply
import smsgate.core.Request
import smsgate.core.Transport
import smsgate.core.TransportException

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

  /** Monotonic milliseconds since when there is a server to hear from. */
  @Volatile
  var followedMs: Long? = null
    private set

  fun follow(baseUrl: String?, pin: String?) {
    target = baseUrl?.let { connect(it, pin) }
    followedMs = target?.let { clock.monotonicMs() }
    lastSyncMs = null
  }

  /** A server that this phone is not paired with yet. */
  fun to(invitation: Invitation): Transport = connect(invitation.baseUrl, invitation.pin)

  override fun send(request: Request): Reply {
    val reply = (target ?: throw TransportException("not paired")).send(request)
    if (request.method == "POST" && reply.status == 200) {
      lastSyncMs = clock.monotonicMs()
    }
    return reply
  }
}
