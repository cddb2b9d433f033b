package smsgate.core

import kotlin.test.assertEquals
import org.junit.jupiter.api.Test
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.CsvSource

class SegmentsTest {
  @ParameterizedTest
  @CsvSource(
    "a,160,1", "a,161,2", "a,306,2", "a,307,3",
    "€,80,1", "€,81,2",
    "€,153,3", // An escape does not straddle two parts.
    "ż,70,1", "ż,71,2",
    "😀,35,1", "😀,36,2",
    "😀,67,3", // A surrogate pair does not straddle two parts.
  )
  fun `it counts parts`(character: String, times: Int, parts: Int) {
    assertEquals(parts, countParts(character.repeat(times)))
  }

  @Test
  fun `nothing is one part`() {
    assertEquals(1, countParts(""))
  }
}
