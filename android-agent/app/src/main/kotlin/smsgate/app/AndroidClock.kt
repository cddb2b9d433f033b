package smsgate.app

import android.content.Context
import android.os.SystemClock
import android.provider.Settings
import smsgate.core.Clock
import smsgate.core.WakeUp
import java.time.Instant
import java.util.UUID

/** Android's clock that goes on in sleep and that nobody can set. */
class AndroidClock(context: Context) : Clock {
  override val bootId: String = bootId(context)

  override fun monotonicMs(): Long = SystemClock.elapsedRealtime()

  override fun wall(): Instant = Instant.now()

  override fun sleep(ms: Long, wakeUp: WakeUp) {
    wakeUp.await(ms)
  }
}

/**
 * The same as long as the phone runs. Without Android's boot counter each start of the app counts as
 * a boot: then leases end early, which is safe.
 */
private fun bootId(context: Context): String {
  val resolver = context.contentResolver
  val boot = Settings.Global.getInt(resolver, Settings.Global.BOOT_COUNT, -1)
  if (boot < 0) return UUID.randomUUID().toString()
  val phone = Settings.Secure.getString(resolver, Settings.Secure.ANDROID_ID)
  return UUID.nameUUIDFromBytes("smsgate $phone $boot".toByteArray()).toString()
}
