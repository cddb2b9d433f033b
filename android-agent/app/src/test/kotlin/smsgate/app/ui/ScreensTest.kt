package smsgate.app.ui

import android.graphics.Bitmap
import android.graphics.Canvas
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.ParameterizedRobolectricTestRunner
import org.robolectric.ParameterizedRobolectricTestRunner.Parameters
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.GraphicsMode
import smsgate.app.TestPhone
import java.io.File
import kotlin.test.assertTrue

/** Draws every screen in each language and theme; somebody looks at the pictures (docs/phone.md). */
@RunWith(ParameterizedRobolectricTestRunner::class)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
class ScreensTest(
  private val scene: Scene,
  private val language: String,
  private val theme: String,
) {
  @get:Rule val test = TestPhone()

  @Test
  fun `it is drawn`() {
    val night = if (theme == "dark") "night" else "notnight"
    RuntimeEnvironment.setQualifiers("$language-w400dp-h800dp-$night-hdpi")
    val view = scene.show(test)
    val bitmap = Bitmap.createBitmap(view.width, view.height, Bitmap.Config.ARGB_8888)
    view.draw(Canvas(bitmap))
    val name = "phone-${scene.name.lowercase()}-$language-$theme.png"
    val file = File(System.getProperty("screenshots")!!, name)
    file.parentFile!!.mkdirs()
    file.outputStream().use { bitmap.compress(Bitmap.CompressFormat.PNG, 100, it) }
    assertTrue(colours(bitmap) > MANY, "an empty picture: $file")
  }

  private fun colours(bitmap: Bitmap): Int {
    val pixels = IntArray(bitmap.width * bitmap.height)
    bitmap.getPixels(pixels, 0, bitmap.width, 0, 0, bitmap.width, bitmap.height)
    return pixels.toSet().size
  }

  companion object {
    private const val MANY = 20

    @JvmStatic
    @Parameters(name = "{0} {1} {2}")
    fun looks() = Scene.entries.flatMap { scene ->
      listOf("en", "pl").flatMap { language ->
        listOf("light", "dark").map { theme -> arrayOf<Any>(scene, language, theme) }
      }
    }
  }
}
