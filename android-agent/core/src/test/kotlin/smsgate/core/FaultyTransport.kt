package smsgate.core

import kotlin.random.Random

/** What goes wrong on the way; the numbers are probabilities per request. */
data class Faults(
  /** The server never sees it. */
  val loseRequests: Double = 0.0,
  /** The server did what was asked, the phone never hears of it. */
  val loseReplies: Double = 0.0,
  /** The server sees it twice, the phone hears the second answer. */
  val repeat: Double = 0.0,
  /** Half of the answer is missing. */
  val cut: Double = 0.0,
  /** The answer comes 20 minutes after it was made. */
  val late: Double = 0.0,
)

/** The fake server behind a network with faults, drawn from the given random numbers. */
class FaultyTransport(
  private val server: FakeServer,
  private val clock: ManualClock,
  private val faults: Faults = Faults(),
  private val chance: Random = Random(0),
) : Transport {
  override fun send(request: Request): Reply {
    if (happens(faults.loseRequests)) throw TransportException("the request was lost")
    if (happens(faults.repeat)) server.handle(request)
    val reply = server.handle(request)
    if (happens(faults.loseReplies)) throw TransportException("the reply was lost")
    if (happens(faults.late)) clock.advance(LATE_MS)
    if (!happens(faults.cut)) return reply
    return Reply(reply.status, reply.body.take(reply.body.length / 2))
  }

  private fun happens(probability: Double) = chance.nextDouble() < probability

  private companion object {
    const val LATE_MS = 20 * 60 * 1000L
  }
}
