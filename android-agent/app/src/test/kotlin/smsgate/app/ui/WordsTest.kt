package smsgate.app.ui

import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import smsgate.core.Detail
import smsgate.core.Word
import kotlin.test.assertEquals
import kotlin.test.assertNotEquals
import kotlin.test.assertTrue

@RunWith(RobolectricTestRunner::class)
class WordsTest {
  private fun allIn(language: String): Map<Word, String> {
    RuntimeEnvironment.setQualifiers(language)
    return Word.entries.associateWith { word ->
      val values = listOf("first", "second").take(Regex("%s").findAll(word.english).count())
      val text = inWords(RuntimeEnvironment.getApplication(), Detail(word, values))
      for (value in values) assertTrue(value in text, "$word has no place for $value: $text")
      assertTrue("%" !in text, "$word has too many places: $text")
      text
    }
  }

  @Test
  fun `the core's every word is said in English and in Polish`() {
    val english = allIn("en")
    val polish = allIn("pl")
    for (word in Word.entries - Word.TEXT) {
      assertNotEquals(english[word], polish[word], "$word")
      assertTrue(english.getValue(word).isNotBlank() && polish.getValue(word).isNotBlank())
    }
  }

  @Test
  fun `what no language has words for stays as it is`() {
    RuntimeEnvironment.setQualifiers("pl")
    val detail = Detail(Word.TEXT, "ril_sim_full")
    assertEquals("ril_sim_full", inWords(RuntimeEnvironment.getApplication(), detail))
  }
}
