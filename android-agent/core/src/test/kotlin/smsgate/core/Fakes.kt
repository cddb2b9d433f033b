package smsgate.core

/** The process was killed. An Error, so that nothing on its way can believe it was a failure. */
class DiedException : Error("died")

object FakeDevice : Device {
  override val name = "a phone"
  override val android = "none"
  override val appVersion = "1.0"

  override fun sims() = listOf(Sim(1, 0, "Demo"))

  override fun health() = Health(battery = 80, charging = false)
}
