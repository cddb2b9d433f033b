package smsgate.core

import com.grack.nanojson.JsonObject
import com.grack.nanojson.JsonParser
import com.grack.nanojson.JsonWriter

/**
 * A server for the agent's tests: as much of the protocol as a phone can see, all in memory. It
 * leases each message once, repeats a claim's messages, acks every event and keeps them all.
 */
class FakeServer {
  private val waiting = ArrayList<Map<String, Any?>>()
  private val claims = LinkedHashMap<String, List<Map<String, Any?>>>()
  private var lastId = 0L

  /** By their ids, in the order in which they came. */
  val events = LinkedHashMap<String, JsonObject>()
  val syncs = ArrayList<JsonObject>()
  val pairings = ArrayList<JsonObject>()
  val cancel = HashSet<Long>()
  var isPaused = false
  var isDown = false
  var refusal: Reply? = null
  var paceSeconds = 10
  var token = TOKEN

  /** A message that is due; answers its id. */
  @Synchronized
  fun add(
    text: String = "hello",
    sim: Int? = null,
    priority: Int = 0,
    startWithinSeconds: Int = 600,
  ): Long {
    lastId++
    waiting += linkedMapOf(
      "message_id" to lastId,
      "attempt" to 1,
      "phone" to "+48500%06d".format(lastId),
      "text" to text,
      "sim" to sim,
      "priority" to priority,
      "start_within_seconds" to startWithinSeconds,
    )
    return lastId
  }

  /** The types of the events about a message, as they came in. */
  @Synchronized
  fun types(messageId: Long): List<String> =
    events.values.filter { it.getLong("message_id") == messageId }.map { it.getString("type") }

  /** Messages that were handed out and about which nothing final was heard. */
  @Synchronized
  fun lost(): List<Long> = claims.values.flatten().map { it["message_id"] as Long }
    .filter { types(it).none(OVER::contains) }

  val isEmpty: Boolean @Synchronized get() = waiting.isEmpty()

  @Synchronized
  fun handle(request: Request): Reply {
    if (isDown) throw TransportException("down")
    refusal?.let { return it }
    val body = request.body?.let { JsonParser.`object`().from(it) }
    return when {
      request.path == PAIR_PATH -> pair(body!!)
      request.token != token -> problem(401, "device_unknown", "unknown phone")
      request.path == WAIT_PATH -> if (isEmpty) Reply(204) else reply(200, "ready" to true)
      request.path == SYNC_PATH -> sync(body!!, request.body)
      else -> problem(404, "not_found", "no such page")
    }
  }

  private fun pair(body: JsonObject): Reply {
    pairings += body
    if (body.getString("code") != CODE) {
      return problem(400, "pairing_code_invalid", "code: ask for a new one")
    }
    return reply(201, "device_id" to 7, "token" to token, "account" to "Demo")
  }

  private fun sync(body: JsonObject, text: String): Reply {
    check(text.toByteArray().size <= Protocol.MAX_REQUEST_BYTES) { "the call is too large" }
    syncs += body
    val reported = body.getArray("events").map { it as JsonObject }
    check(reported.size <= Protocol.MAX_EVENTS) { "too many events" }
    for (event in reported) {
      val known = events.getOrPut(event.getString("event_id")) { event }
      check(known == event) { "an event id stands for one event for ever" }
    }
    val messages = claim(body.getString("claim_id"), body.getInt("capacity"))
    val held = body.getArray("held").map { (it as JsonObject).getLong("message_id") }
    return reply(
      200,
      "acked" to reported.map { it.getString("event_id") },
      "messages" to messages,
      "cancel" to held.filter { it in cancel },
      "paused" to isPaused,
      "next_sync_seconds" to if (messages.isEmpty() && held.isEmpty()) 900 else 60,
      "pace_seconds" to paceSeconds,
      "segments_per_minute" to 24,
      "server_time" to "2026-01-01T12:00:00Z",
    )
  }

  private fun claim(claimId: String, capacity: Int): List<Map<String, Any?>> {
    claims[claimId]?.let { return it }
    if (isPaused || capacity == 0) return emptyList()
    waiting.sortWith(compareBy({ -(it["priority"] as Int) }, { it["message_id"] as Long }))
    val taken = waiting.take(capacity)
    waiting.subList(0, taken.size).clear()
    claims[claimId] = taken
    return taken
  }

  companion object {
    const val CODE = "ABCD-1234"
    const val TOKEN = "token-of-the-phone"
    const val URL = "https://server.example"
    private val OVER = setOf("released", "unknown", "part_sent", "part_failed")

    private fun reply(status: Int, vararg fields: Pair<String, Any?>) =
      Reply(status, JsonWriter.string(linkedMapOf(*fields)))

    private fun problem(status: Int, code: String, message: String) =
      reply(status, "code" to code, "message" to message)
  }
}
