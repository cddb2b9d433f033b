package smsgate.app.ui

import android.view.View
import android.view.ViewGroup
import android.widget.EditText
import android.widget.ImageView
import android.widget.TextView
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.ParameterizedRobolectricTestRunner
import org.robolectric.ParameterizedRobolectricTestRunner.Parameters
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.GraphicsMode
import smsgate.app.TestPhone
import kotlin.test.assertEquals

/** What a person needs who sees little, or whose fingers are large. In the longer language. */
@RunWith(ParameterizedRobolectricTestRunner::class)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
class AccessibilityTest(private val scene: Scene) {
  @get:Rule val test = TestPhone()

  private fun views(fontScale: Float = 1f): List<View> {
    RuntimeEnvironment.setQualifiers("pl-w360dp-h720dp-hdpi")
    RuntimeEnvironment.setFontScale(fontScale)
    return all(scene.show(test)).filter { it.isShown }
  }

  private fun all(view: View): List<View> {
    val group = view as? ViewGroup ?: return listOf(view)
    return listOf(view) + (0 until group.childCount).flatMap { all(group.getChildAt(it)) }
  }

  @Test
  fun `with letters twice as large no text is cut`() {
    val cut = views(fontScale = 2f).filterIsInstance<TextView>().filter { view ->
      val layout = view.layout ?: return@filter false
      val isEllipsized = (0 until layout.lineCount).any { layout.getEllipsisCount(it) > 0 }
      val room = view.height - view.compoundPaddingTop - view.compoundPaddingBottom
      val isTooHigh = view !is EditText && layout.height > room + 1
      isEllipsized || isTooHigh || view.bottom > (view.parent as View).height
    }
    assertEquals(emptyList(), cut.map { it.text.toString() })
  }

  @Test
  fun `what can be touched is as large as a finger, and everything says its name`() {
    val shown = views()
    val touchable = shown.filter {
      (it.isClickable && it !is ViewGroup) || it.hasOnClickListeners()
    }
    val least = FINGER_DP * test.app.resources.displayMetrics.density
    assertEquals(
      emptyList(),
      touchable.filter { it.height < least || it.width < least }.map(::nameOf),
    )
    assertEquals(emptyList(), touchable.filter { nameOf(it).isBlank() })
    assertEquals(emptyList(), shown.filterIsInstance<ImageView>().filter(::isSilent))
  }

  private fun nameOf(view: View): String =
    view.contentDescription?.toString()
      ?: (view as? EditText)?.hint?.toString()
      ?: (view as? TextView)?.text?.toString().orEmpty()

  /** A picture is named, or it is decoration and says so. */
  private fun isSilent(picture: ImageView) =
    picture.importantForAccessibility != View.IMPORTANT_FOR_ACCESSIBILITY_NO &&
      picture.contentDescription.isNullOrBlank()

  companion object {
    private const val FINGER_DP = 47.5f

    @JvmStatic
    @Parameters(name = "{0}")
    fun scenes() = Scene.entries.map { arrayOf<Any>(it) }
  }
}
