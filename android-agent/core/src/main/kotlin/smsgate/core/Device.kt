package smsgate.core

/** What the phone says of itself. */
interface Device {
  /** What the owner sees in the list of phones. */
  val name: String
  val android: String
  val appVersion: String

  fun sims(): List<Sim>

  fun health(): Health
}

data class Sim(val subId: Int?, val slot: Int, val carrier: String) {
  internal fun asJson() = mapOf("sub_id" to subId, "slot" to slot, "carrier" to carrier)
}

/** For each sync. What a device cannot know is null and is left out. */
data class Health(
  /** Per cent. */
  val battery: Int? = null,
  val charging: Boolean? = null,
  /** `wifi`, `mobile`, `none`… */
  val network: String? = null,
  /** `send_sms` to true, and so on. */
  val permissions: Map<String, Boolean> = emptyMap(),
)

internal fun Device.healthJson(queue: Int, failing: Set<Int>): Map<String, Any?> {
  val health = health()
  return mapOf(
    "battery" to health.battery,
    "charging" to health.charging,
    "network" to health.network,
    "app_version" to appVersion,
    "queue" to queue,
    "sims" to sims().map {
      if (it.slot in failing) it.asJson() + ("paused" to SIM_FAILING) else it.asJson()
    },
    "permissions" to health.permissions,
  ).filterValues { it != null }
}
