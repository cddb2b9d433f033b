package smsgate.app.sms

import android.content.BroadcastReceiver
import android.content.Context
import android.content.Intent
import smsgate.app.phone
import smsgate.core.Report

/** Hears from the radio and from the network what became of one part. Not exported. */
class PartReceiver : BroadcastReceiver() {
  override fun onReceive(context: Context, intent: Intent) {
    val about = PartUri.read(intent.data) ?: return
    val outcome = when (intent.action) {
      SENT -> Outcomes.ofSent(resultCode)
      DELIVERED ->
        Outcomes.ofDelivery(intent.getByteArrayExtra("pdu"), intent.getStringExtra("format"))
      else -> null
    } ?: return
    val report = Report(
      about.messageId, about.attempt, about.part, about.parts, outcome.type, outcome.code,
    )
    context.phone.enqueue { put(about.install, report) }
  }

  companion object {
    const val SENT = "smsgate.app.SENT"
    const val DELIVERED = "smsgate.app.DELIVERED"
  }
}
