package smsgate.app

import android.content.Context
import android.content.SharedPreferences
import smsgate.core.Owner

/** What the owner has set on this phone, and which SIM cards they know of. */
class OwnerSettings(context: Context) : Owner {
  private val values: SharedPreferences =
    context.getSharedPreferences("owner", Context.MODE_PRIVATE)

  init {
    upgrade()
  }

  override var isPaused: Boolean
    get() = values.getBoolean("paused", false)
    set(value) = values.edit().putBoolean("paused", value).apply()

  /** Paired and not stopped: whoever wakes the app starts the service. */
  var isAtWork: Boolean
    get() = values.getBoolean("at_work", false)
    set(value) = values.edit().putBoolean("at_work", value).apply()

  /** The slot of messages that name none; null: Android's own choice. */
  var defaultSlot: Int?
    get() = intOrNull("default_sim_slot")
    set(value) = putOrRemove("default_sim_slot", value)

  override fun dailyCap(sim: Int): Int? = intOrNull("daily_cap_$sim")

  /** Parts a day; null: any number. */
  fun setDailyCap(sim: Int, parts: Int?) = putOrRemove("daily_cap_$sim", parts)

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

  private fun intOrNull(key: String): Int? =
    if (values.contains(key)) values.getInt(key, 0) else null

  private fun putOrRemove(key: String, value: Int?) {
    val editor = values.edit()
    if (value == null) editor.remove(key) else editor.putInt(key, value)
    editor.apply()
  }

  /** Version 0.1.0 kept "no cap" as 0, a cap of 0 as -1, and no default slot as -1. */
  private fun upgrade() {
    val old = values.all.filterKeys { it.startsWith("cap_") || it == "default_slot" }
    if (old.isEmpty()) return
    val editor = values.edit()
    for ((key, value) in old) {
      editor.remove(key)
      if (key == "default_slot") {
        if (value as Int >= 0) editor.putInt("default_sim_slot", value)
      } else if (value != 0) {
        editor.putInt("daily_$key", maxOf(0, value as Int))
      }
    }
    editor.apply()
  }
}
