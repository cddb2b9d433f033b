package smsgate.core

import com.grack.nanojson.JsonObject
import org.junit.jupiter.api.Test
import kotlin.test.assertEquals

class SegmentsTest {
  private val segments = protocolFile("segments.json")

  @Test
  fun `it counts parts as the protocol does`() {
    for (case in segments.getArray("cases").map { it as JsonObject }) {
      val text = case.getString("text").repeat(case.getInt("times"))
      assertEquals(case.getInt("parts"), countParts(text), "$case")
    }
  }

  @Test
  fun `its alphabets and sizes are the protocol's`() {
    val gsm7 = segments.getObject("gsm7")
    val ucs2 = segments.getObject("ucs2")
    assertEquals(gsm7.getString("basic").toSet(), BASIC)
    assertEquals(gsm7.getString("extended").toSet(), EXTENDED)
    assertEquals(gsm7.getInt("alone") to gsm7.getInt("part"), GSM7_ALONE to GSM7_PART)
    assertEquals(ucs2.getInt("alone") to ucs2.getInt("part"), UCS2_ALONE to UCS2_PART)
  }
}
