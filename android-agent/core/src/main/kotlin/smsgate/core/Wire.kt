package smsgate.core

import com.grack.nanojson.JsonObject
import com.grack.nanojson.JsonParser
import com.grack.nanojson.JsonParserException
import com.grack.nanojson.JsonWriter
import java.time.Instant
import java.time.format.DateTimeParseException

/*
 * What goes over the wire: reading the server's answers strictly, building the phone's requests. An
 * answer that is cut, not JSON or of the wrong shape throws BadReplyException, before anything is
 * changed.
 */

internal const val PAIR_PATH = "/companion/pair/"
internal const val SYNC_PATH = "/companion/sync/"
internal const val WAIT_PATH = "/companion/wait/"

/** The server's answer cannot be read. */
class BadReplyException(message: String) : Exception(message)

data class SyncReply(
  val acked: List<String>,
  val messages: List<LeasedMessage>,
  val cancel: Set<Long>,
  val isPaused: Boolean,
  val nextSyncMs: Long,
  val paceMs: Long,
  val segmentsPerMinute: Int,
  /** Null: the server does not count its answers. */
  val syncNumber: Long? = null,
  /** Null: the server did not say, or not so that it can be read. Nothing depends on it. */
  val serverTime: Instant? = null,
  /** Recipients whose messages the radio has answered are to go; an older server says nothing. */
  val forget: Boolean = false,
)

/** No data class: its token shall stand in no log. */
class PairReply(val deviceId: Long, val token: String, val account: String)

internal class SyncRequest(
  private val claimId: String,
  val capacity: Int,
  private val bootId: String,
  private val leased: List<LeasedMessage>,
  private val failingSims: List<Int?>,
  private val lastSyncNumber: Long?,
  private val health: Map<String, Any?>,
) {
  /**
   * The call's JSON with as many of these events, JSON themselves, as one call may carry; the first
   * one always. What does not fit stays in the outbox and goes with the next call.
   */
  fun encode(events: List<String>): String {
    val head = encodeJson(
      mapOf(
        "claim_id" to claimId,
        "capacity" to capacity,
        "boot_id" to bootId,
        "held" to leased.take(Protocol.MAX_HELD)
          .map { mapOf("message_id" to it.messageId, "attempt" to it.attempt) },
        "failing_sims" to failingSims.ifEmpty { null },
        "last_sync_number" to lastSyncNumber,
        "health" to health,
      ),
    ).removeSuffix("}") + ",\"events\":["
    val room = Protocol.MAX_REQUEST_BYTES - utf8Size(head) - 2
    return fitting(events, room).joinToString(",", head, "]}")
  }

  private fun fitting(events: List<String>, bytes: Int): List<String> {
    var room = bytes
    return events.take(Protocol.MAX_EVENTS).withIndex().takeWhile { (index, event) ->
      room -= utf8Size(event) + 1
      index == 0 || room >= 0
    }.map { it.value }
  }
}

internal fun encodeJson(body: Map<String, Any?>): String =
  JsonWriter.string(body.filterValues { it != null })

private fun utf8Size(text: String) = text.toByteArray().size

/** What a sync's 200 says. Leases count from before the request. */
internal fun readSync(body: String, askedAtMs: Long): SyncReply = Reader(parse(body)).run {
  SyncReply(
    acked = items("acked").map(::asText),
    messages = items("messages").map { readMessage(it, askedAtMs) },
    cancel = items("cancel").map(::asInteger).toSet(),
    isPaused = flag("paused"),
    nextSyncMs = millis("next_sync_seconds"),
    paceMs = millis("pace_seconds"),
    segmentsPerMinute = int("segments_per_minute", 1),
    syncNumber = if (has("sync_number")) integer("sync_number", 0) else null,
    serverTime = momentOrNull("server_time"),
    forget = said("forget"),
  )
}

internal fun readPair(body: String): PairReply = Reader(parse(body)).run {
  PairReply(integer("device_id", 0), text("token"), text("account"))
}

/** What an error body says, as far as it does. */
internal class Problem(val code: String, val message: String)

internal fun readProblem(body: String): Problem {
  val reply = try {
    parse(body)
  } catch (_: BadReplyException) {
    return Problem("", "")
  }
  return Problem(reply["code"] as? String ?: "", reply["message"] as? String ?: "")
}

private fun readMessage(item: Any?, askedAtMs: Long): LeasedMessage {
  if (item !is JsonObject) throw BadReplyException("a message is not an object")
  return Reader(item).run {
    LeasedMessage(
      messageId = integer("message_id", 1),
      attempt = int("attempt", 1),
      phone = text("phone"),
      text = text("text"),
      sim = if (item["sim"] == null) null else int("sim", 0),
      priority = int("priority", Int.MIN_VALUE),
      startBeforeMs = askedAtMs + millis("start_within_seconds"),
    )
  }
}

private fun parse(body: String): JsonObject =
  try {
    JsonParser.`object`().from(body)
  } catch (error: JsonParserException) {
    throw BadReplyException("not JSON: ${error.message}")
  } catch (_: StackOverflowError) {
    throw BadReplyException("not JSON: nested too deep")
  }

/** Typed access to one object of an answer. */
private class Reader(private val data: JsonObject) {
  fun items(key: String): List<Any?> =
    data[key] as? List<*> ?: throw BadReplyException("$key is not a list")

  fun has(key: String): Boolean = data[key] != null

  /** What says nothing, or something else, does not say so. */
  fun said(key: String): Boolean = data[key] == true

  fun flag(key: String): Boolean =
    data[key] as? Boolean ?: throw BadReplyException("$key is not true or false")

  fun integer(key: String, least: Long): Long {
    val value = asInteger(data[key])
    if (value < least) throw BadReplyException("$key is below $least")
    return value
  }

  fun int(key: String, least: Int): Int {
    val value = integer(key, least.toLong())
    if (value > Int.MAX_VALUE) throw BadReplyException("$key is too large")
    return value.toInt()
  }

  fun text(key: String): String = asText(data[key])

  fun momentOrNull(key: String): Instant? =
    try {
      (data[key] as? String)?.let(Instant::parse)
    } catch (_: DateTimeParseException) {
      null
    }

  fun millis(key: String): Long {
    val value = data[key] as? Number ?: throw BadReplyException("$key is not a number")
    return (value.toDouble().coerceIn(0.0, Protocol.LONGEST_SECONDS.toDouble()) * 1000).toLong()
  }
}

private fun asInteger(value: Any?): Long = when (value) {
  is Int -> value.toLong()
  is Long -> value
  else -> throw BadReplyException("a whole number is missing")
}

private fun asText(value: Any?): String {
  if (value !is String) throw BadReplyException("a string is missing")
  if (value != wellFormed(value)) throw BadReplyException("a lone surrogate")
  return value
}

/** Half an emoji becomes a question mark. */
internal fun wellFormed(text: String): String = String(text.toByteArray())
