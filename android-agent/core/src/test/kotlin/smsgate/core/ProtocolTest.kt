package smsgate.core

import com.grack.nanojson.JsonObject
import com.grack.nanojson.JsonParser
import org.junit.jupiter.api.Test
import java.io.File
import java.lang.reflect.Modifier
import kotlin.test.assertEquals

/** One of the files that the server, the Python phone and this agent share. */
internal fun protocolFile(name: String): JsonObject =
  JsonParser.`object`().from(File(System.getProperty("protocol"), name).readText())

/** The agent's numbers, types and codes are those of `protocol/`. */
class ProtocolTest {
  private val events = protocolFile("events.json")
  private val codes = events.getObject("codes")

  @Test
  fun `it has the numbers that concern a phone, and no other`() {
    val expected = protocolFile("constants.json")
      .mapValues { it.value as JsonObject }
      .filterValues { it.getString("by") != "server" }
      .mapValues { it.value["value"] }
      .mapKeys { it.key.uppercase() }
    val own = Protocol::class.java.declaredFields
      .filter { Modifier.isPublic(it.modifiers) && it.name !in setOf("INSTANCE", "NOT_THE_SIM") }
      .associate { it.name to it[null] }
    assertEquals(expected.toSortedMap(), own.toSortedMap())
  }

  @Test
  fun `it knows which codes are not the SIM's fault`() {
    assertEquals(codes.getArray("not_the_sim").toSet(), Protocol.NOT_THE_SIM)
  }

  @Test
  fun `each reason to give a message back has a text`() {
    val shown = codes.getObject("phone").keys - "cancelled" // That one the server knows itself.
    for (code in shown) assertEquals(code.uppercase(), TextKey.ofReason(code).key.name)
  }

  @Test
  fun `what it reports of a part are the protocol's events`() {
    val parts = events.getObject("events").keys.filter { it.startsWith("part_") }
    assertEquals(parts.toSet(), Report.Type.entries.map { it.wire }.toSet())
  }
}
