package smsgate.app.sms

import android.Manifest.permission
import android.app.Activity
import android.app.PendingIntent
import android.content.Intent
import android.net.Uri
import android.provider.Settings
import android.telephony.ServiceState
import android.telephony.SmsManager
import android.telephony.TelephonyManager
import org.junit.Before
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.annotation.Implementation
import org.robolectric.annotation.Implements
import org.robolectric.annotation.RealObject
import org.robolectric.shadows.ShadowSmsManager
import smsgate.app.TestPhone
import smsgate.app.service
import smsgate.core.Report
import smsgate.core.Sms
import java.lang.reflect.Modifier
import kotlin.test.assertEquals
import kotlin.test.assertNotEquals
import kotlin.test.assertNull
import kotlin.test.assertTrue

@RunWith(RobolectricTestRunner::class)
class AndroidSmsSenderTest {
  @get:Rule val test = TestPhone()
  private val sender by lazy { AndroidSmsSender(test.app, test.phone.sims) { "install-1" } }

  @Before
  fun setUp() {
    test.phone.sims.learn()
  }

  private fun sms(id: Long, text: String = "Hello", sim: Int = 0) =
    Sms(id, 1, "+48601234567", text, sender.countParts(text, sim), sim)

  @Test
  fun `a part's intents go to the app's own receiver and can be filled in`() {
    sender.send(sms(7))
    val sent = test.radio().lastSentTextMessageParams
    assertEquals("Hello", sent.text)
    assertEquals("+48601234567", sent.destinationAddress)
    for (intent in listOf(sent.sentIntent, sent.deliveryIntent)) {
      val saved = shadowOf(intent).savedIntent
      assertEquals(PartReceiver::class.java.name, saved.component?.className)
      assertTrue(shadowOf(intent).flags and PendingIntent.FLAG_MUTABLE != 0)
    }
  }

  @Test
  fun `no two parts share an intent`() {
    val long = "x".repeat(400)
    sender.send(sms(7, long))
    sender.send(sms(8, long))
    val params = test.radio().lastSentMultipartTextMessageParams
    assertEquals(3, params.parts.size)
    val data = (params.sentIntents + params.deliveryIntents)
      .map { shadowOf(it).savedIntent.let { saved -> saved.action to saved.data } }
    assertEquals(6, data.toSet().size)
    assertEquals(
      PartUri("install-1", 8, 1, part = 3, parts = 3),
      PartUri.read(data[2].second),
    )
  }

  @Test
  fun `each SIM has its own radio`() {
    test.insert(test.card(0, 1, "Play"), test.card(1, 2, "Orange"))
    test.phone.sims.learn()
    sender.send(sms(7, sim = 1))
    assertNull(test.radio(subId = 1).lastSentTextMessageParams)
    assertEquals("Hello", test.radio(subId = 2).lastSentTextMessageParams.text)
  }

  @Test
  @Config(shadows = [UnlikeRadios::class])
  fun `a text is counted by the SIM that sends it`() {
    test.insert(test.card(0, 1, "Play"), test.card(1, 2, "Orange"))
    test.phone.sims.learn()
    assertEquals(2, sender.countParts("Hello", 1))
    sender.send(sms(7, sim = 1))
    assertEquals(emptyList(), sender.reports(), "not refused untried")
    assertEquals(2, test.radio(subId = 2).lastSentMultipartTextMessageParams.parts.size)
  }

  @Test
  fun `without permission nothing can be sent`() {
    assertNull(sender.blocked(null))
    shadowOf(test.app).denyPermissions(permission.SEND_SMS)
    assertEquals("no_permission", sender.blocked(null))
  }

  @Test
  fun `a card that its owner does not know sends nothing`() {
    test.insert(test.card(slot = 0, subId = 9, carrier = "Plus"))
    assertEquals("no_sim", sender.blocked(0))
    test.phone.sims.learn()
    assertNull(sender.blocked(0))
  }

  @Test
  fun `a card that was moved is not learned because a permission was given`() {
    test.insert(test.card(slot = 1, subId = 1, carrier = "Play"))
    test.phone.sims.learnFirst()
    assertEquals("no_sim", sender.blocked(1))
  }

  @Test
  fun `a card with the same number in Android and another ICCID is another card`() {
    test.insert(test.card(0, 1, "Play", iccid = "8948060000000000001"))
    test.phone.sims.learn()
    assertNull(sender.blocked(0))
    test.insert(test.card(0, 1, "Play", iccid = "8948060000000000002"))
    assertEquals("no_sim", sender.blocked(0))
  }

  @Test
  fun `an empty slot sends nothing`() = assertEquals("no_sim", sender.blocked(1))

  @Test
  fun `airplane mode and a missing network are known beforehand`() {
    val telephony = test.app.service<TelephonyManager>()
    shadowOf(telephony).setTelephonyManagerForSubscriptionId(1, telephony)
    shadowOf(telephony).setServiceState(ServiceState().apply { setStateOutOfService() })
    assertEquals("no_service", sender.blocked(0))
    val resolver = test.app.contentResolver
    Settings.Global.putInt(resolver, Settings.Global.AIRPLANE_MODE_ON, 1)
    assertEquals("radio_off", sender.blocked(0))
  }

  @Test
  fun `what was surely not handed over has failed`() {
    test.insert()
    sender.send(Sms(7, 1, "+48601234567", "Hello", 1, 0))
    assertEquals(
      listOf(Report(7, 1, 1, 1, Report.Type.FAILED, "no_sim")),
      sender.reports(),
    )
    assertEquals(emptyList(), sender.reports())
  }

  @Test
  fun `the owner's SIM goes before Android's`() {
    test.insert(test.card(0, 1, "Play"), test.card(1, 2, "Orange"))
    assertEquals(0, sender.slot(null))
    test.phone.settings.defaultSlot = 1
    assertEquals(1, sender.slot(null))
    assertEquals(0, sender.slot(0))
  }

  @Test
  fun `each of Android's results has its name`() {
    val names = SmsManager::class.java.declaredFields
      .filter { it.name.startsWith("RESULT_") && Modifier.isPublic(it.modifiers) }
      .filterNot { it.name.startsWith("RESULT_RECEIVE_") || it.name.startsWith("RESULT_STATUS_") }
      .associate { it.getInt(null) to it.name }
    val wrong = names.filterKeys { it > 0 }
      .mapValues { it.value.removePrefix("RESULT_").removePrefix("ERROR_").lowercase() }
      .filterNot { (code, name) -> Outcomes.codeOf(code) == name }
    assertEquals(emptyMap(), wrong)
    assertEquals("other:999", Outcomes.codeOf(999))
    assertNotEquals(Outcomes.codeOf(1), Outcomes.codeOf(Activity.RESULT_OK))
  }

  @Test
  fun `a report names its part even if all else is lost`() {
    val uri = PartUri("install-1", Long.MAX_VALUE, 3, 2, 5)
    assertEquals(uri, PartUri.read(uri.toUri()))
    assertNull(PartUri.read(Intent("other").data))
    assertNull(PartUri.read(Uri.parse("https://example.com/1/2/3/4")))
  }
}

/** The second SIM's modem divides every text in two, as one with another alphabet may. */
@Implements(SmsManager::class)
class UnlikeRadios : ShadowSmsManager() {
  @RealObject private lateinit var real: SmsManager

  @Implementation
  fun divideMessage(text: String): ArrayList<String> =
    if (real.subscriptionId == 2) arrayListOf(text.take(1), text.drop(1)) else arrayListOf(text)
}
