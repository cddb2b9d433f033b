package smsgate.app.ui

import android.content.Intent
import android.net.Uri
import android.view.InputDevice
import android.view.MotionEvent
import android.view.View
import android.widget.Button
import android.widget.EditText
import android.widget.TextView
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.shadows.ShadowLooper
import smsgate.app.R
import smsgate.app.TestPhone
import smsgate.app.service.AgentService
import smsgate.core.StopReason
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertTrue

@RunWith(RobolectricTestRunner::class)
class PairActivityTest {
  @get:Rule val test = TestPhone()

  private fun open(link: String?): PairActivity {
    val intent = Intent(Intent.ACTION_VIEW, link?.let(Uri::parse))
    return Robolectric.buildActivity(PairActivity::class.java, intent).setup().get()
  }

  private fun PairActivity.text(id: Int) = part<TextView>(id).text.toString()

  private fun PairActivity.shows(id: Int) = part<View>(id).isShown

  @Test
  fun `a link is answered by this app`() {
    val intent = Intent(Intent.ACTION_VIEW, Uri.parse(TestPhone.LINK))
      .addCategory(Intent.CATEGORY_BROWSABLE)
    val found = test.app.packageManager.resolveActivity(intent, 0)
    assertEquals(PairActivity::class.java.name, found?.activityInfo?.name)
  }

  @Test
  fun `it shows the host and asks nobody before its owner says yes`() {
    val activity = open(TestPhone.LINK)
    assertTrue(activity.shows(R.id.confirming))
    assertEquals("sms.example.com", activity.text(R.id.host))
    assertEquals(emptyList(), test.server.requests)
    activity.part<Button>(R.id.no).performClick()
    assertTrue(activity.isFinishing)
    assertEquals(emptyList(), test.server.requests)
  }

  @Test
  fun `a tap while another app's window covers a part of the screen is not taken`() {
    val covered =
      listOf(MotionEvent.FLAG_WINDOW_IS_OBSCURED, MotionEvent.FLAG_WINDOW_IS_PARTIALLY_OBSCURED)
    for (flag in covered) {
      val activity = open(TestPhone.LINK)
      val yes = activity.part<Button>(R.id.yes)
      for (action in listOf(MotionEvent.ACTION_DOWN, MotionEvent.ACTION_UP)) {
        yes.dispatchTouchEvent(touch(action, flag))
      }
      ShadowLooper.idleMainLooper()
      assertTrue(yes.isEnabled)
      assertEquals(emptyList(), test.server.requests)
      assertEquals(activity.getString(R.string.pair_covered), activity.text(R.id.problem))
    }
  }

  private fun touch(action: Int, flags: Int): MotionEvent = MotionEvent.obtain(
    0, 0, action, 1,
    arrayOf(MotionEvent.PointerProperties().apply { id = 0 }), arrayOf(MotionEvent.PointerCoords()),
    0, 0, 1f, 1f, 0, 0, InputDevice.SOURCE_TOUCHSCREEN, flags,
  )

  @Test
  fun `yes pairs and starts the service`() {
    val activity = open(TestPhone.LINK)
    activity.part<Button>(R.id.yes).performClick()
    test.await { it.stopReason == null && it.host == "sms.example.com" }
    awaitFinish(activity)
    assertEquals("POST /companion/pair/", test.server.requests.first())
    val started = generateSequence { shadowOf(test.app).nextStartedService }.toList()
    assertTrue(started.any { it.component?.className == AgentService::class.java.name })
  }

  private fun awaitFinish(activity: PairActivity) {
    val deadline = System.nanoTime() + 30_000_000_000
    while (!activity.isFinishing && System.nanoTime() < deadline) {
      ShadowLooper.idleMainLooper()
      Thread.yield()
    }
    assertTrue(activity.isFinishing)
  }

  @Test
  fun `another app cannot end this one by a tab that there is not`() {
    val intent = Intent(test.app, MainActivity::class.java).putExtra("tab", 99)
    Robolectric.buildActivity(MainActivity::class.java, intent).setup().get().finish()
  }

  @Test
  fun `the server's own certificate is named`() {
    val activity = open(TestPhone.LINK + "&pin=" + "ab".repeat(32))
    assertEquals(activity.getString(R.string.pair_own_certificate), activity.text(R.id.trust))
  }

  @Test
  fun `another server is never paired silently`() {
    test.pair()
    val before = test.server.requests.count { "pair" in it }
    val activity = open("smsgate://pair?server=https%3A%2F%2Fevil.example&code=ABCD-EFGH-JKLM")
    assertTrue("sms.example.com" in activity.text(R.id.warning))
    assertEquals("sms.example.com", test.phone.engine.snapshot.host)
    assertEquals(before, test.server.requests.count { "pair" in it })
    activity.part<Button>(R.id.yes).performClick()
    test.await { it.host == "evil.example" && it.stopReason == null }
    // Nothing is kept of the former server's messages.
    assertEquals(emptyList(), test.app.filesDir.list()!!.filter { "aside" in it })
  }

  @Test
  fun `a link without a code, or in cleartext, is refused in words`() {
    val damaged = open("smsgate://pair?server=https%3A%2F%2Fsms.example.com")
    assertTrue(damaged.shows(R.id.problem))
    assertTrue(damaged.shows(R.id.typing))
    val clear = open("smsgate://pair?server=http%3A%2F%2Fsms.example.com&code=ABCD-EFGH-JKLM")
    clear.part<Button>(R.id.yes).performClick()
    assertEquals(clear.getString(R.string.text_cleartext), clear.text(R.id.problem))
    assertEquals(emptyList(), test.server.requests)
  }

  @Test
  fun `it can be typed, with or without https`() {
    for (server in listOf("sms.example.com", "https://sms.example.com")) {
      val activity = open(null)
      assertTrue(activity.shows(R.id.typing))
      assertFalse(activity.shows(R.id.confirming))
      activity.part<EditText>(R.id.server).setText(server)
      activity.part<EditText>(R.id.code).setText("ABCD-EFGH-JKLM")
      activity.part<Button>(R.id.next).performClick()
      assertEquals("sms.example.com", activity.text(R.id.host))
    }
  }

  @Test
  fun `a refusal is shown and can be tried again`() {
    test.server.isReachable = false
    val activity = open(TestPhone.LINK)
    activity.part<Button>(R.id.yes).performClick()
    val deadline = System.nanoTime() + 30_000_000_000
    while (!activity.shows(R.id.problem) && System.nanoTime() < deadline) {
      ShadowLooper.idleMainLooper()
      Thread.yield()
    }
    assertEquals("sms.example.com does not answer.", activity.text(R.id.problem))
    assertTrue(activity.part<Button>(R.id.yes).isEnabled)
    assertEquals(StopReason.NOT_PAIRED, test.phone.engine.snapshot.stopReason)
    assertFalse(test.phone.settings.knowsSims, "no card is confirmed by a pairing that failed")
  }
}
