package smsgate.app.sms

import android.Manifest.permission.READ_PHONE_STATE
import android.Manifest.permission.SEND_SMS
import android.app.PendingIntent
import android.content.Context
import android.content.Intent
import android.os.Build
import android.telephony.SmsManager
import smsgate.app.has
import smsgate.app.service
import smsgate.core.Report
import smsgate.core.Sms
import smsgate.core.SmsSender

/**
 * Sends through Android. What becomes of each part comes back to [PartReceiver], also to a process
 * that was started for that alone.
 */
class AndroidSmsSender(
  private val context: Context,
  private val sims: Sims,
  /** Names the journal's install: reports of a previous install are ignored. */
  private val installId: () -> String,
) : SmsSender {
  private val refused = ArrayList<Report>()

  override fun blocked(sim: Int?): String? =
    if (!context.has(SEND_SMS) || !context.has(READ_PHONE_STATE)) {
      "no_permission"
    } else {
      sims.blocked(slot(sim))
    }

  override fun slot(sim: Int?): Int = sims.slot(sim)

  /** Android's own count for this card: it rules, since it knows alphabets that we do not. */
  override fun countParts(text: String, sim: Int): Int {
    val card = sims.card(sim) ?: return super.countParts(text, sim)
    return try {
      divide(managerOf(card), text).size
    } catch (_: RuntimeException) { // Some makers' throw more than Android's own.
      super.countParts(text, sim)
    }
  }

  private fun divide(manager: SmsManager, text: String): ArrayList<String> =
    manager.divideMessage(text).orEmpty().ifEmpty { listOf(text) }.let(::ArrayList)

  /** After any other exception the modem may have taken the text (see [SmsSender.send]). */
  override fun send(sms: Sms) {
    try {
      hand(sms)
    } catch (_: SecurityException) {
      refuse(sms, "no_permission") // Thrown before anything was handed on.
    } catch (_: IllegalArgumentException) {
      refuse(sms, "invalid_arguments")
    } catch (_: UnsupportedOperationException) {
      refuse(sms, "no_sim")
    }
  }

  private fun hand(sms: Sms) {
    val card = sims.card(sms.sim) ?: return refuse(sms, "no_sim")
    val manager = managerOf(card)
    val texts = divide(manager, sms.text)
    if (texts.size != sms.parts) return refuse(sms, "encoding_error")
    val sent = intents(sms, PartReceiver.SENT)
    val delivered = intents(sms, PartReceiver.DELIVERED)
    if (texts.size == 1) {
      manager.sendTextMessage(sms.phone, null, texts[0], sent[0], delivered[0])
    } else {
      manager.sendMultipartTextMessage(sms.phone, null, texts, sent, delivered)
    }
  }

  private fun managerOf(card: SimCard): SmsManager =
    if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.S) {
      context.service<SmsManager>().createForSubscriptionId(card.subId)
    } else {
      @Suppress("DEPRECATION") // what came instead is Android 12's
      SmsManager.getSmsManagerForSubscriptionId(card.subId)
    }

  private fun intents(sms: Sms, action: String): ArrayList<PendingIntent> =
    (1..sms.parts).mapTo(ArrayList()) { part ->
      val intent = Intent(context, PartReceiver::class.java)
        .setAction(action)
        .setData(PartUri(installId(), sms, part).toUri())
      PendingIntent.getBroadcast(context, 0, intent, MUTABLE)
    }

  /** It surely did not go: all its parts have failed. */
  private fun refuse(sms: Sms, code: String) = (1..sms.parts).forEach { part ->
    refused += Report(sms.messageId, sms.attempt, part, sms.parts, Report.Type.FAILED, code)
  }

  /** Only what was refused at once. The radio's reports go from [PartReceiver] into the [Mailbox]. */
  override fun reports(): List<Report> = refused.toList().also { refused.clear() }

  private companion object {
    /** Android adds its result to the intent. Before Android 12 every one was mutable. */
    val MUTABLE =
      if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.S) PendingIntent.FLAG_MUTABLE else 0
  }
}
