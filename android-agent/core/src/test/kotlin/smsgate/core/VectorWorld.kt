package smsgate.core

import com.grack.nanojson.JsonParser
import com.grack.nanojson.JsonWriter
import kotlin.math.roundToLong
import kotlin.test.assertEquals

/** The server and the SIM of a vector: both expect what is written, in that order. */
class VectorWorld(private val clock: ManualClock, private val names: Names) :
  Transport,
  SmsSender {
  private var expected = ArrayDeque<Map<*, *>>()
  val coming = ArrayList<Report>()
  var blockedBy: String? = null

  /** Exactly these calls happen while [act] runs. */
  fun expect(calls: List<*>, act: () -> Unit) {
    expected = ArrayDeque(calls.map { it as Map<*, *> })
    act()
    assertEquals(emptyList(), expected.toList(), "did not happen")
  }

  private fun next(kind: String, actual: Any?): Map<*, *> {
    val call = expected.removeFirstOrNull() ?: throw AssertionError("unexpected $kind: $actual")
    if (kind !in call) throw AssertionError("$kind where another thing was expected: $actual")
    return call
  }

  override fun send(request: Request): Reply {
    val body = request.body?.let { JsonParser.`object`().from(it) as Map<*, *> }
    val call = next("request", request.body)
    val wanted = call["request"] as Map<*, *>
    val free = FREE - (wanted["body"] as? Map<*, *>)?.keys.orEmpty()
    val actual = mapOf(
      "method" to request.method,
      "path" to request.path,
      "token" to request.token,
      "body" to body?.filterKeys { it !in free },
    )
    names.check(wanted, actual, "request")
    return answer(call["reply"] as Map<*, *>)
  }

  private fun answer(reply: Map<*, *>): Reply {
    clock.advance(toMs(reply["after_seconds"] ?: 0))
    if (reply["lost"] == true) throw TransportException("lost")
    val body = reply["body"]?.let { JsonWriter.string(names.fill(it)) }.orEmpty()
    val headers = (reply["headers"] as Map<*, *>?).orEmpty()
    return Reply(
      (reply["status"] as Number).toInt(),
      if (reply["cut"] == true) body.take(body.length / 2) else body,
      headers.entries.associate { "${it.key}" to "${it.value}" },
    )
  }

  override fun blocked(sim: Int?) = blockedBy

  override fun slot(sim: Int?) = sim ?: 0

  override fun send(sms: Sms) {
    val actual = mapOf(
      "message_id" to sms.messageId,
      "attempt" to sms.attempt,
      "phone" to sms.phone,
      "text" to sms.text,
      "parts" to sms.parts,
      "sim" to sms.sim,
    )
    names.check(next("radio", actual)["radio"], actual, "radio")
  }

  override fun reports() = coming.toList().also { coming.clear() }

  private companion object {
    val FREE = setOf("health", "name", "android", "app_version", "sims")
  }
}

/** A vector's seconds. */
internal fun toMs(seconds: Any?) = ((seconds as Number).toDouble() * 1000).roundToLong()
