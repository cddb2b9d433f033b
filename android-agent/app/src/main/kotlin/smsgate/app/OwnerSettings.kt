package smsgate.app

import android.content.Context
import android.content.SharedPreferences
import smsgate.core.Owner

/** What the owner has set on this phone, and which SIM cards they know of. */
class OwnerSettings(context: Context) : Owner {
  private val values: SharedPreferences =
    context.getSharedPreferences("owner", Context.MODE_PRIVATE)

  override var isPaused: Boolean
    get() = values.getBoolean("paused", false)
    set(value) = values.edit().putBoolean("paused", value).apply()

  /** Paired and not stopped: whoever wakes the app starts the service. */
  var isAtWork: Boolean
    get() = values.getBoolean("at_work", false)
    set(value) = values.edit().putBoolean("at_work", value).apply()

  /** The slot of messages that name none; null: Android's own choice. */
  var defaultSlot: Int?
    get() = values.getInt("default_slot", -1).takeIf { it >= 0 }
    set(value) = values.edit().putInt("default_slot", value ?: -1).apply()

  override fun dailyCap(sim: Int): Int? =
    values.getInt("cap_$sim", NO_CAP).takeIf { it != NO_CAP }?.coerceAtLeast(0)

  /** Parts a day; null: any number. */
  fun setDailyCap(sim: Int, parts: Int?) {
    val kept = if (parts == 0) NOTHING else parts ?: NO_CAP
    values.edit().putInt("cap_$sim", kept).apply()
  }

  /** The card that the owner knows in this slot, as [smsgate.app.sms.SimCard.identity] names it. */
  fun knownSim(slot: Int): String? = values.getString("sim_$slot", null)

  /** Was any card ever learned, in whichever slot? */
  val knowsSims: Boolean get() = values.all.keys.any { it.startsWith("sim_") }

  fun learnSim(slot: Int, identity: String) =
    values.edit().putString("sim_$slot", identity).apply()

  /** Was this permission asked for before? Android alone does not say. */
  fun askedFor(permission: String): Boolean = values.getBoolean("asked_$permission", false)

  fun noteAskedFor(permission: String) =
    values.edit().putBoolean("asked_$permission", true).apply()

  private companion object {
    const val NO_CAP = 0
    const val NOTHING = -1
  }
}
