package smsgate.app.ui

import android.Manifest.permission.RECEIVE_SMS
import android.app.AlertDialog
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.shadows.ShadowAlertDialog
import org.robolectric.shadows.ShadowLooper
import smsgate.app.R
import smsgate.app.TestPhone
import smsgate.app.doctor.Fix
import kotlin.test.assertEquals
import kotlin.test.assertNull

@RunWith(RobolectricTestRunner::class)
class RemediesTest {
  @get:Rule val test = TestPhone()

  @Test
  fun `what receiving SMS means is said before Android asks`() {
    test.pair()
    val activity = Robolectric.buildActivity(MainActivity::class.java).setup().get()
    Remedies(activity).apply(Fix.ASK_RECEIVE_SMS)
    assertNull(shadowOf(activity).lastRequestedPermission)
    val dialog = ShadowAlertDialog.getLatestDialog() as AlertDialog
    assertEquals(activity.getString(R.string.receive_text), shadowOf(dialog).message.toString())
    dialog.getButton(AlertDialog.BUTTON_POSITIVE).performClick()
    ShadowLooper.idleMainLooper()
    val asked = shadowOf(activity).lastRequestedPermission.requestedPermissions
    assertEquals(listOf(RECEIVE_SMS), asked.toList())
  }
}
