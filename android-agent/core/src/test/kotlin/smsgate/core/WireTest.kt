package smsgate.core

import com.grack.nanojson.JsonParser
import net.jqwik.api.Example
import net.jqwik.api.ForAll
import net.jqwik.api.Property
import net.jqwik.api.constraints.IntRange
import java.time.Instant
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertTrue

/** The server's answers are read strictly: all of one, or nothing. */
class WireTest {
  private val message =
    """{"message_id":8,"attempt":1,"phone":"+48","text":"ż😀","sim":null,"priority":-3,""" +
      """"start_within_seconds":0.5}"""

  private fun answer(messages: String = message, vararg changes: Pair<String, String>) =
    changes.fold(
      """{"acked":["a"],"messages":[$messages],"cancel":[7],"paused":false,""" +
        """"next_sync_seconds":60,"pace_seconds":10,"segments_per_minute":24,""" +
        """"server_time":"now","later":{"field":[]}}""",
    ) { text, (old, new) -> text.replace(old, new).also { check(it != text) { "no $old" } } }

  @Example
  fun `it reads an answer`() {
    val expectedMessage = LeasedMessage(8, 1, "+48", "ż😀", null, -3, ASKED_AT_MS + 500)
    val expected =
      SyncReply(listOf("a"), listOf(expectedMessage), setOf(7), false, 60_000, 10_000, 24)
    assertEquals(expected, readSync(answer(), ASKED_AT_MS), "a time that cannot be read is none")
    val timed = answer(message, "\"now\"" to "\"2026-01-01T12:00:00Z\"")
    assertEquals(Instant.parse("2026-01-01T12:00:00Z"), readSync(timed, ASKED_AT_MS).serverTime)
  }

  @Property(tries = 300)
  fun `any beginning of an answer is refused`(@ForAll @IntRange(max = 10_000) cut: Int) {
    val whole = answer()
    assertFailsWith<BadReplyException> { readSync(whole.take(cut % whole.length), ASKED_AT_MS) }
  }

  @Example
  fun `what has the wrong shape is refused`() {
    for (change in listOf(
      "\"message_id\":8" to "\"message_id\":\"8\"",
      "\"message_id\":8" to "\"message_id\":8.0",
      "\"message_id\":8" to "\"message_id\":0",
      "\"message_id\":8" to "\"message_id\":9223372036854775808",
      "\"message_id\":8" to "\"message_id\":null",
      "\"attempt\":1" to "\"attempt\":4294967297",
      "\"attempt\":1" to "\"attempt\":true",
      "\"phone\":\"+48\"" to "\"phone\":48",
      "\"phone\":\"+48\"," to "",
      "ż" to "\\ud83d",
      "\"sim\":null" to "\"sim\":-1",
      "\"acked\":[\"a\"]" to "\"acked\":\"a\"",
      "\"cancel\":[7]" to "\"cancel\":[\"7\"]",
      "\"paused\":false" to "\"paused\":0",
      "\"pace_seconds\":10" to "\"pace_seconds\":\"10\"",
      "\"pace_seconds\":10" to "\"pace_seconds\":NaN",
      "\"segments_per_minute\":24" to "\"segments_per_minute\":0",
    )) {
      val answer = answer(message, change)
      assertFailsWith<BadReplyException>("$change") { readSync(answer, ASKED_AT_MS) }
    }
    for (other in listOf("", "[]", "null", "7", "<html>", "{} {}", "[".repeat(1_000_000))) {
      assertFailsWith<BadReplyException>(other.take(20)) { readSync(other, ASKED_AT_MS) }
    }
  }

  @Example
  fun `an absurd number of seconds is cut to a day`() {
    val absurd = answer(message, "\"next_sync_seconds\":60" to "\"next_sync_seconds\":1e300")
    assertEquals(86_400_000, readSync(absurd, ASKED_AT_MS).nextSyncMs)
  }

  @Example
  fun `a call keeps its events as they are and stays within its size`() {
    val leased = (1L..10_000L).map { LeasedMessage(it, 1, "", "", null, 0, 0) }
    val health = mapOf("battery" to 80, "network" to null)
    val request = SyncRequest("claim", 5, "boot", leased, emptyList(), 7, health)
    val event = """{"event_id":"1","text":"${"ż".repeat(20_000)}"}"""
    val body = request.encode(List(10) { event })
    assertTrue(body.toByteArray().size <= Protocol.MAX_REQUEST_BYTES)
    val events = JsonParser.`object`().from(body).getArray("events")
    assertEquals(setOf<Any?>(JsonParser.`object`().from(event)), events.toSet())
    assertTrue(events.size in 3..9)
  }

  @Example
  fun `one event goes always`() {
    val body = SyncRequest("claim", 0, "boot", emptyList(), emptyList(), null, emptyMap())
      .encode(listOf("\"${"x".repeat(300_000)}\"", "2"))
    assertEquals(1, JsonParser.`object`().from(body).getArray("events").size)
  }

  private companion object {
    const val ASKED_AT_MS = 1_000_000L
  }
}
