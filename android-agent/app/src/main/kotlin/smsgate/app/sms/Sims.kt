package smsgate.app.sms

import android.Manifest.permission.READ_PHONE_STATE
import android.content.Context
import android.os.Build
import android.provider.Settings
import android.telephony.ServiceState
import android.telephony.SubscriptionInfo
import android.telephony.SubscriptionManager
import android.telephony.TelephonyManager
import smsgate.app.OwnerSettings
import smsgate.app.has
import java.security.MessageDigest

/** A SIM card in a slot. [identity] tells it from any other card, without saying its number. */
data class SimCard(val slot: Int, val subId: Int, val carrier: String, val identity: String)

/**
 * The SIM cards of this phone. A card that the owner does not know sends nothing: one that was moved
 * or changed would send from another number, at another price.
 */
class Sims(private val context: Context, private val settings: OwnerSettings) {
  fun cards(): List<SimCard> {
    if (!context.has(READ_PHONE_STATE)) return emptyList()
    val manager = context.getSystemService(SubscriptionManager::class.java)
    return manager?.activeSubscriptionInfoList.orEmpty().map(::card).sortedBy { it.slot }
  }

  private fun card(info: SubscriptionInfo) = SimCard(
    slot = info.simSlotIndex,
    subId = info.subscriptionId,
    carrier = (info.carrierName ?: info.displayName ?: "").toString().take(MAX_CARRIER),
    identity = identity(info),
  )

  /** Since Android 10 apps see no ICCID; there Android's own number of the card stands for it. */
  private fun identity(info: SubscriptionInfo): String {
    val iccid = info.iccId.orEmpty()
    return if (iccid.isEmpty()) "sub:${info.subscriptionId}" else "icc:${sha256(iccid)}"
  }

  fun card(slot: Int): SimCard? = cards().firstOrNull { it.slot == slot }

  /** Which slot a message goes through; null: the owner's choice, else Android's. */
  fun slot(sim: Int?): Int = sim ?: settings.defaultSlot ?: systemDefault() ?: 0

  private fun systemDefault(): Int? {
    val subId = SubscriptionManager.getDefaultSmsSubscriptionId()
    val cards = cards()
    return (cards.firstOrNull { it.subId == subId } ?: cards.firstOrNull())?.slot
  }

  fun isKnown(card: SimCard) = settings.knownSim(card.slot) == card.identity

  /** The owner says that these cards are theirs. */
  fun learn(cards: List<SimCard> = cards()) =
    cards.forEach { settings.learnSim(it.slot, it.identity) }

  /** Those that there were when the app could first see any; later ones are the owner's to confirm. */
  fun learnFirst() {
    if (!settings.knowsSims) learn()
  }

  /** Why nothing can be sent through this slot now, or null. */
  fun blocked(slot: Int): String? {
    val card = card(slot)
    return when {
      isAirplaneModeOn() -> "radio_off"
      card == null || !isKnown(card) -> "no_sim"
      else -> service(card)
    }
  }

  private fun isAirplaneModeOn() =
    Settings.Global.getInt(context.contentResolver, Settings.Global.AIRPLANE_MODE_ON, 0) != 0

  private fun service(card: SimCard): String? {
    val state = try {
      context.getSystemService(TelephonyManager::class.java)
        ?.createForSubscriptionId(card.subId)?.serviceState?.state
    } catch (_: SecurityException) {
      null // some makers ask for the place as well; then the radio itself will tell
    }
    return when (state) {
      ServiceState.STATE_POWER_OFF -> "radio_off"
      ServiceState.STATE_OUT_OF_SERVICE, ServiceState.STATE_EMERGENCY_ONLY -> "no_service"
      else -> null
    }
  }

  companion object {
    private const val MAX_CARRIER = 64

    /** The slot of a subscription, if this Android can tell. */
    fun slotOf(subId: Int): Int? {
      if (Build.VERSION.SDK_INT < Build.VERSION_CODES.Q) return null
      return SubscriptionManager.getSlotIndex(subId).takeIf { it >= 0 }
    }

    private fun sha256(text: String) =
      MessageDigest.getInstance("SHA-256").digest(text.toByteArray())
        .joinToString("") { "%02x".format(it) }
  }
}
