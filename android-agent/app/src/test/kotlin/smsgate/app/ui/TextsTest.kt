package smsgate.app.ui

import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import smsgate.core.Detail
import smsgate.core.TextKey
import kotlin.test.assertEquals
import kotlin.test.assertNotEquals
import kotlin.test.assertTrue

@RunWith(RobolectricTestRunner::class)
class TextsTest {
  private fun allIn(language: String): Map<TextKey, String> {
    RuntimeEnvironment.setQualifiers(language)
    return TextKey.entries.associateWith { key ->
      val values = listOf("first", "second").take(Regex("%s").findAll(key.english).count())
      val text = textOf(RuntimeEnvironment.getApplication(), Detail(key, values))
      for (value in values) assertTrue(value in text, "$key has no place for $value: $text")
      assertTrue("%" !in text, "$key has too many places: $text")
      text
    }
  }

  @Test
  fun `each text of the core is there in English and in Polish`() {
    val english = allIn("en")
    val polish = allIn("pl")
    for (key in TextKey.entries - TextKey.TEXT) {
      assertNotEquals(english[key], polish[key], "$key")
      assertTrue(english.getValue(key).isNotBlank() && polish.getValue(key).isNotBlank())
    }
  }

  @Test
  fun `a code that no language has a text for stays as it is`() {
    RuntimeEnvironment.setQualifiers("pl")
    val detail = Detail(TextKey.TEXT, "ril_sim_full")
    assertEquals("ril_sim_full", textOf(RuntimeEnvironment.getApplication(), detail))
  }
}
