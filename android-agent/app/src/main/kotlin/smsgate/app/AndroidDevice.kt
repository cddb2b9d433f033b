package smsgate.app

import android.Manifest.permission.POST_NOTIFICATIONS
import android.Manifest.permission.READ_PHONE_STATE
import android.Manifest.permission.RECEIVE_SMS
import android.Manifest.permission.SEND_SMS
import android.content.Context
import android.content.pm.PackageManager.PERMISSION_GRANTED
import android.net.ConnectivityManager
import android.net.NetworkCapabilities
import android.os.BatteryManager
import android.os.Build
import android.os.PowerManager
import smsgate.app.sms.Sims
import smsgate.core.Device
import smsgate.core.Health
import smsgate.core.Sim

/** What this phone says of itself: nothing that names its owner. */
class AndroidDevice(private val context: Context, private val sims: Sims) : Device {
  override val name = "${Build.MANUFACTURER} ${Build.MODEL}".trim().take(MAX_NAME)
  override val android: String = Build.VERSION.RELEASE
  override val appVersion = versionOf(context)

  override fun sims(): List<Sim> = sims.cards().map { Sim(it.subId, it.slot, it.carrier) }

  override fun health(): Health {
    val battery = context.service<BatteryManager>()
    return Health(
      battery = battery.getIntProperty(BatteryManager.BATTERY_PROPERTY_CAPACITY)
        .takeIf { it in 0..100 },
      charging = battery.isCharging,
      network = networkOf(context),
      permissions = mapOf(
        "send_sms" to context.has(SEND_SMS),
        "receive_sms" to context.has(RECEIVE_SMS),
        "phone_state" to context.has(READ_PHONE_STATE),
        "notifications" to context.mayNotify,
        "battery_unrestricted" to context.isBatteryExempt,
      ),
    )
  }

  private companion object {
    const val MAX_NAME = 255
  }
}

fun Context.has(permission: String) = checkSelfPermission(permission) == PERMISSION_GRANTED

/** Before Android 13 nobody had to ask. */
val Context.mayNotify: Boolean
  get() = Build.VERSION.SDK_INT < Build.VERSION_CODES.TIRAMISU || has(POST_NOTIFICATIONS)

/** Whether the battery saver lets the app run. */
val Context.isBatteryExempt: Boolean
  get() = service<PowerManager>().isIgnoringBatteryOptimizations(packageName)

fun networkOf(context: Context): String {
  val manager = context.service<ConnectivityManager>()
  val network = manager.getNetworkCapabilities(manager.activeNetwork) ?: return "none"
  return when {
    network.hasTransport(NetworkCapabilities.TRANSPORT_WIFI) -> "wifi"
    network.hasTransport(NetworkCapabilities.TRANSPORT_CELLULAR) -> "mobile"
    network.hasTransport(NetworkCapabilities.TRANSPORT_ETHERNET) -> "ethernet"
    else -> "other"
  }
}
