package smsgate.core

/** What the phone's owner has set on the phone itself; asked anew at each step. */
interface Owner {
  /** Nothing is claimed and nothing is started; reports go on. */
  val isPaused: Boolean

  /** How many SMS parts a SIM may start on one day of the phone's calendar; null: any number. */
  fun dailyCap(sim: Int): Int?
}

/** An owner who has set nothing. */
object NoOwnerSettings : Owner {
  override val isPaused = false

  override fun dailyCap(sim: Int): Int? = null
}
