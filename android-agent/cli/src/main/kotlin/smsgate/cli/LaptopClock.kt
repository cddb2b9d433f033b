package smsgate.cli

import smsgate.core.Clock
import smsgate.core.WakeUp
import java.io.File
import java.io.IOException
import java.time.Duration
import java.time.Instant
import java.util.UUID

/** The machine's clock. A [speed] of 60 makes a minute of every second. */
class LaptopClock(private val speed: Double = 1.0) : Clock {
  private val kernelBoot = readKernel("/proc/sys/kernel/random/boot_id")

  /**
   * The kernel's; a new one each time where it has none, which makes each run a reboot: strict, but
   * safe. Another speed is another count, so it is another boot as well.
   */
  override val bootId: String = when {
    kernelBoot == null -> UUID.randomUUID().toString()
    speed == 1.0 -> kernelBoot
    else -> UUID.nameUUIDFromBytes("$kernelBoot $speed".toByteArray()).toString()
  }

  private val wallOrigin = Instant.now() - Duration.ofMillis(monotonicMs())

  override fun monotonicMs(): Long = (sinceBootMs() * speed).toLong()

  /** Java's own count stands still while a laptop sleeps, and so would every lease. */
  private fun sinceBootMs(): Double {
    val uptime = if (kernelBoot == null) null else readKernel("/proc/uptime")
    return uptime?.substringBefore(" ")?.toDouble()?.times(1000) ?: (System.nanoTime() / 1e6)
  }

  override fun wall(): Instant = wallOrigin + Duration.ofMillis(monotonicMs())

  override fun sleep(ms: Long, wakeUp: WakeUp) {
    wakeUp.await((ms / speed).toLong() + 1)
  }

  private fun readKernel(path: String): String? =
    try {
      File(path).readText().trim()
    } catch (_: IOException) {
      null
    }
}
