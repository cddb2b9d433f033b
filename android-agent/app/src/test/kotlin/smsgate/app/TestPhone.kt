package smsgate.app

import android.Manifest.permission
import android.app.Activity
import android.app.PendingIntent
import android.content.BroadcastReceiver
import android.content.Intent
import android.telephony.SmsManager
import android.telephony.SubscriptionInfo
import android.telephony.SubscriptionManager
import org.junit.rules.ExternalResource
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.shadows.ShadowSmsManager
import org.robolectric.shadows.ShadowSubscriptionManager
import smsgate.app.service.EngineListener
import smsgate.app.service.Snapshot
import smsgate.app.sms.PartReceiver
import smsgate.app.store.KeystoreVault
import smsgate.core.Detail
import smsgate.core.Invitation
import java.util.TimeZone
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import javax.crypto.spec.SecretKeySpec
import kotlin.test.assertNull

/** A phone with one SIM and all permissions; its server and its clock are fakes. */
class TestPhone : ExternalResource() {
  val app: App = RuntimeEnvironment.getApplication() as App
  val clock = FakeClock()
  val server = StubServer(clock)
  lateinit var phone: Phone

  override fun before() {
    TimeZone.setDefault(TimeZone.getTimeZone("Europe/Warsaw"))
    shadowOf(app).grantPermissions(
      permission.SEND_SMS,
      permission.RECEIVE_SMS,
      permission.READ_PHONE_STATE,
      permission.POST_NOTIFICATIONS,
      permission.HIDE_OVERLAY_WINDOWS,
    )
    insert(card(slot = 0, subId = 1, carrier = "Play"))
    start()
  }

  override fun after() = phone.engine.end()

  /** Like a new process with the same disk. */
  fun restart() {
    phone.engine.end()
    start()
  }

  private fun start() {
    phone = Phone(app, clock, KeystoreVault { KEY }, connect = { _, _ -> server })
    app.phone = phone
  }

  fun insert(vararg cards: SubscriptionInfo) {
    val manager = app.service<SubscriptionManager>()
    shadowOf(manager).setActiveSubscriptionInfos(*cards)
    ShadowSubscriptionManager.setDefaultSmsSubscriptionId(cards.firstOrNull()?.subscriptionId ?: -1)
  }

  fun card(slot: Int, subId: Int, carrier: String, iccid: String = ""): SubscriptionInfo =
    ShadowSubscriptionManager.SubscriptionInfoBuilder.newBuilder()
      .setId(subId).setSimSlotIndex(slot).setCarrierName(carrier).setIccId(iccid)
      .buildSubscriptionInfo()

  fun pair(link: String = LINK) {
    phone.sims.learn()
    val done = CountDownLatch(1)
    var problem: Detail? = null
    phone.engine.pair(Invitation.read(link), isNewOwner = false) {
      problem = it
      done.countDown()
    }
    check(done.await(30, TimeUnit.SECONDS)) { "pairing never ended" }
    assertNull(problem)
  }

  /** Blocks until the agent's state is like this. Meanwhile its clock goes on. */
  fun await(condition: (Snapshot) -> Boolean): Snapshot {
    val seen = CountDownLatch(1)
    val listener = EngineListener { if (condition(it)) seen.countDown() }
    phone.engine.listen(listener)
    try {
      repeat(PATIENCE) {
        if (seen.await(SILENCE_MS, TimeUnit.MILLISECONDS)) return phone.engine.snapshot
        clock.advance(6)
      }
    } finally {
      phone.engine.unlisten(listener)
    }
    error("never: ${phone.engine.snapshot}")
  }

  /** The radio as Android shows it to the app. */
  fun radio(subId: Int = 1): ShadowSmsManager =
    shadowOf(app.service<SmsManager>().createForSubscriptionId(subId))

  /** Android, the radio or the network says how a part fared. */
  fun fire(intent: PendingIntent, code: Int = Activity.RESULT_OK, fill: Intent = Intent()) {
    val receiver = PartReceiver()
    receiver.setPendingResult(
      BroadcastReceiver.PendingResult(code, null, null, 0, false, false, null, 0, 0),
    )
    receiver.onReceive(app, Intent(shadowOf(intent).savedIntent).putExtras(fill))
  }

  companion object {
    const val LINK = "smsgate://pair?server=https%3A%2F%2Fsms.example.com&code=ABCD-EFGH-JKLM"
    private const val PATIENCE = 150
    private const val SILENCE_MS = 200L
    private val KEY = SecretKeySpec(ByteArray(32) { it.toByte() }, "AES")
  }
}
