package smsgate.core

/** Why a message was given back: its SIM cannot send. */
internal const val SIM_FAILING = "sim_failing"

/** Refusals of one SIM in a row: how many, and the first few different recipients. */
internal data class Refused(val count: Int = 0, val numbers: List<String> = emptyList()) {
  /** So many, to so many: the SIM cannot send, whoever it is for. */
  val isEnough
    get() = count >= Protocol.SIM_REFUSALS && numbers.size >= Protocol.SIM_REFUSED_NUMBERS

  fun onceMore(number: String): Refused {
    val recipients = (numbers + number).distinct().take(Protocol.SIM_REFUSED_NUMBERS)
    return Refused(count + 1, recipients)
  }

  override fun toString() = (listOf(count) + numbers).joinToString(" ")

  companion object {
    fun read(text: String?): Refused {
      val words = text?.split(" ") ?: return Refused()
      return Refused(words.first().toInt(), words.drop(1))
    }
  }
}

/** How long a SIM that cannot send is left alone. */
data class Pause(
  /** Messages that were tried since it began. */
  val probes: Int,
  /** Monotonic milliseconds from which on one more may be tried. */
  val untilMs: Long,
) {
  /** It is being tried: unless this message is sent, the next one waits longer. */
  internal fun probed(nowMs: Long) = begin(nowMs, probes + 1)

  /** After a reboot the monotonic clock starts anew, so the pause starts anew too. */
  internal fun rebooted(nowMs: Long) = begin(nowMs, probes)

  override fun toString() = "$probes $untilMs"

  internal companion object {
    fun begin(nowMs: Long, probes: Int = 0): Pause {
      val minutes = Protocol.SIM_PAUSE_MINUTES
      return Pause(probes, nowMs + minutes[minOf(probes, minutes.lastIndex)] * 60_000L)
    }

    fun read(text: String): Pause {
      val (probes, untilMs) = text.split(" ")
      return Pause(probes.toInt(), untilMs.toLong())
    }
  }
}
