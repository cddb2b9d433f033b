package smsgate.app.doctor

import android.Manifest.permission.READ_PHONE_STATE
import android.Manifest.permission.RECEIVE_SMS
import android.Manifest.permission.SEND_SMS
import android.content.Context
import android.os.Build
import android.provider.Settings
import android.telephony.SubscriptionManager
import smsgate.app.Phone
import smsgate.app.has
import smsgate.app.isBatteryExempt
import smsgate.app.mayNotify
import smsgate.app.networkOf
import smsgate.app.service
import java.time.Duration

/** Looks at the phone; any thread. */
fun gatherFacts(phone: Phone): Facts {
  val context = phone.context
  val snapshot = phone.engine.snapshot
  val cards = phone.sims.cards()
  return Facts(
    stopReason = snapshot.stopReason,
    host = snapshot.host,
    journalError = snapshot.journalError,
    maySend = context.has(SEND_SMS),
    mayReceive = context.has(RECEIVE_SMS),
    mayReadPhoneState = context.has(READ_PHONE_STATE),
    mayNotify = context.mayNotify,
    mayBeRestricted = Build.VERSION.SDK_INT >= Build.VERSION_CODES.TIRAMISU,
    isBatteryExempt = context.isBatteryExempt,
    cards = cards,
    unknownCards = cards.filterNot(phone.sims::isKnown),
    hasDefaultSim = phone.settings.defaultSlot != null || hasSystemDefault(),
    failing = snapshot.failing,
    smsLimit = smsLimitOf(context),
    network = networkOf(context),
    skew = snapshot.clockSkew,
    silence = (phone.link.lastSyncMs ?: phone.link.followedMs)
      ?.let { Duration.ofMillis(phone.clock.monotonicMs() - it) },
    leased = snapshot.leased,
    isPaused = phone.settings.isPaused,
  )
}

private fun hasSystemDefault() = SubscriptionManager.getDefaultSmsSubscriptionId() !=
  SubscriptionManager.INVALID_SUBSCRIPTION_ID

/** Null where Android lets no app read it. Its defaults are those of AOSP's SmsUsageMonitor. */
private fun smsLimitOf(context: Context): SmsLimit? =
  try {
    SmsLimit(
      Settings.Global.getInt(context.contentResolver, "sms_outgoing_check_max_count", 30),
      Settings.Global.getLong(context.contentResolver, "sms_outgoing_check_interval_ms", 60_000),
    )
  } catch (_: SecurityException) {
    null
  }
