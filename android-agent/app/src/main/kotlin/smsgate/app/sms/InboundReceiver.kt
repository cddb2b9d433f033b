package smsgate.app.sms

import android.content.BroadcastReceiver
import android.content.Context
import android.content.Intent
import android.provider.Telephony
import android.telephony.SubscriptionManager
import smsgate.app.phone
import smsgate.app.service.Starter
import java.time.Instant

/** Inbound SMS. In the manifest, so that it works while the app does not run. */
class InboundReceiver : BroadcastReceiver() {
  override fun onReceive(context: Context, intent: Intent) {
    if (intent.action != Telephony.Sms.Intents.SMS_RECEIVED_ACTION) return
    val phone = context.phone
    if (!phone.settings.isAtWork) return
    val parts = Telephony.Sms.Intents.getMessagesFromIntent(intent).orEmpty().filterNotNull()
    val sender = parts.firstOrNull()?.displayOriginatingAddress ?: return
    val text = parts.joinToString("") { it.displayMessageBody.orEmpty() }
    val sent = parts.first().timestampMillis.takeIf { it > 0 }?.let(Instant::ofEpochMilli)
    phone.enqueue { put(sender, text, slot(intent), arrived = phone.clock.wall(), sent) }
    Starter.ensureRunning(context)
  }

  private fun slot(intent: Intent): Int? {
    val slot = intent.getIntExtra(SubscriptionManager.EXTRA_SLOT_INDEX, -1)
    if (slot >= 0) return slot
    val subId = intent.getIntExtra(SubscriptionManager.EXTRA_SUBSCRIPTION_INDEX, -1)
    return if (subId >= 0) Sims.slotOf(subId) else null
  }
}
