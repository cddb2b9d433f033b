package smsgate.app.doctor

import smsgate.app.sms.SimCard
import smsgate.core.Detail
import smsgate.core.Pace
import smsgate.core.Protocol
import smsgate.core.StopReason
import smsgate.core.TextKey
import java.time.Duration

enum class Check {
  PAIRED, SEND_SMS, RESTRICTED, PHONE_STATE, RECEIVE_SMS, NOTIFICATIONS, BATTERY, SIM, DEFAULT_SIM,
  SIM_SENDS, SMS_LIMIT, NETWORK, CLOCK, LAST_SYNC, QUEUE, JOURNAL,
}

enum class Level { GOOD, WARN, BAD }

/** What one tap does about it. */
enum class Fix {
  PAIR, ASK_SEND_SMS, ASK_PHONE_STATE, ASK_RECEIVE_SMS, ASK_NOTIFICATIONS, APP_INFO, BATTERY,
  LEARN_SIM, CHOOSE_SIM, SMS_LIMIT, NETWORK, SYNC, DATE, RESUME, STORAGE,
}

/** [value], or the text of [detail], is put into the sentence of this check at this level. */
data class Finding(
  val check: Check,
  val level: Level,
  val fix: Fix? = null,
  val value: String = "",
  val detail: Detail? = null,
)

/** All that the doctor looks at, gathered by [gatherFacts]. */
data class Facts(
  val stopReason: StopReason?,
  val host: String?,
  val journalError: Detail?,
  val maySend: Boolean,
  val mayReceive: Boolean,
  val mayReadPhoneState: Boolean,
  val mayNotify: Boolean,
  /** Android 13 and later bar a sideloaded app from SMS until its owner allows it. */
  val mayBeRestricted: Boolean,
  val isBatteryExempt: Boolean,
  val cards: List<SimCard>,
  val unknownCards: List<SimCard>,
  val hasDefaultSim: Boolean,
  /** Slots of SIMs that are paused, since they cannot send. */
  val failing: Set<Int>,
  /** Android's own limit for one app, if it can be read. */
  val smsLimit: SmsLimit?,
  val network: String,
  val skew: Duration?,
  /** Since the server last answered, or since the app was started. */
  val silence: Duration?,
  val leased: Int,
  val isPaused: Boolean,
)

/** So many parts in so many milliseconds; beyond them Android asks on the screen. */
data class SmsLimit(val count: Int, val periodMs: Long) {
  val perMinute get() = count * 60_000L / periodMs.coerceAtLeast(1)
}

/** Says of each thing that can be wrong whether it is. Pure. */
fun examine(facts: Facts): List<Finding> = listOfNotNull(
  paired(facts),
  permission(Check.SEND_SMS, facts.maySend, Level.BAD, Fix.ASK_SEND_SMS),
  restricted(facts),
  permission(Check.PHONE_STATE, facts.mayReadPhoneState, Level.BAD, Fix.ASK_PHONE_STATE),
  sim(facts),
  defaultSim(facts),
  simSends(facts),
  permission(Check.RECEIVE_SMS, facts.mayReceive, Level.WARN, Fix.ASK_RECEIVE_SMS),
  permission(Check.NOTIFICATIONS, facts.mayNotify, Level.WARN, Fix.ASK_NOTIFICATIONS),
  permission(Check.BATTERY, facts.isBatteryExempt, Level.BAD, Fix.BATTERY),
  smsLimit(facts),
  network(facts),
  lastSync(facts),
  clock(facts),
  queue(facts),
  journal(facts),
)

private fun paired(facts: Facts) = when (facts.stopReason) {
  null -> Finding(Check.PAIRED, Level.GOOD, value = facts.host.orEmpty())
  else -> Finding(Check.PAIRED, Level.BAD, Fix.PAIR)
}

private fun permission(check: Check, isGiven: Boolean, level: Level, fix: Fix) =
  if (isGiven) Finding(check, Level.GOOD) else Finding(check, level, fix)

private fun restricted(facts: Facts) =
  Finding(Check.RESTRICTED, Level.WARN, Fix.APP_INFO)
    .takeIf { facts.mayBeRestricted && !(facts.maySend && facts.mayReceive) }

private fun sim(facts: Facts) = when {
  !facts.mayReadPhoneState -> null // said already
  facts.cards.isEmpty() -> Finding(Check.SIM, Level.BAD, Fix.NETWORK)
  facts.unknownCards.isNotEmpty() -> Finding(
    Check.SIM, Level.WARN, Fix.LEARN_SIM, facts.unknownCards.joinToString { "SIM ${it.slot + 1}" },
  )
  else -> Finding(Check.SIM, Level.GOOD, value = facts.cards.joinToString { it.carrier })
}

private fun defaultSim(facts: Facts) = when {
  facts.cards.size < 2 -> null
  facts.hasDefaultSim -> Finding(Check.DEFAULT_SIM, Level.GOOD)
  else -> Finding(Check.DEFAULT_SIM, Level.WARN, Fix.CHOOSE_SIM)
}

private fun simSends(facts: Facts): Finding? {
  if (facts.failing.isEmpty()) return null
  val slots = facts.failing.sorted().joinToString { "${it + 1}" }
  return Finding(Check.SIM_SENDS, Level.BAD, Fix.SYNC, slots)
}

private fun smsLimit(facts: Facts): Finding? {
  val limit = facts.smsLimit ?: return null
  val level = if (limit.perMinute >= Pace.SEGMENTS_PER_MINUTE) Level.GOOD else Level.BAD
  val fix = Fix.SMS_LIMIT.takeIf { level != Level.GOOD }
  return Finding(Check.SMS_LIMIT, level, fix, limit.perMinute.toString())
}

private fun network(facts: Facts) =
  if (facts.network == "none") {
    Finding(Check.NETWORK, Level.BAD, Fix.NETWORK)
  } else {
    Finding(Check.NETWORK, Level.GOOD)
  }

private fun lastSync(facts: Facts): Finding? {
  val silence = facts.silence.takeIf { facts.stopReason == null } ?: return null
  val level = if (silence > SYNC_OVERDUE) Level.BAD else Level.GOOD
  val fix = if (facts.network == "none") Fix.NETWORK else Fix.SYNC
  return Finding(
    Check.LAST_SYNC, level, fix.takeIf { level == Level.BAD }, silence.toMinutes().toString(),
  )
}

/** At most a warning: a wrong clock only mislabels reports, as leases go by the monotonic clock. */
private fun clock(facts: Facts): Finding? {
  val skew = facts.skew ?: return null
  val level = if (skew.abs() > CLOCK_TOLERANCE) Level.WARN else Level.GOOD
  return Finding(
    Check.CLOCK, level, Fix.DATE.takeIf { level == Level.WARN }, skew.abs().toMinutes().toString(),
  )
}

private fun queue(facts: Facts) =
  if (facts.isPaused) {
    Finding(Check.QUEUE, Level.WARN, Fix.RESUME, facts.leased.toString())
  } else {
    Finding(Check.QUEUE, Level.GOOD, value = facts.leased.toString())
  }

private fun journal(facts: Facts) =
  if (facts.journalError == null) {
    Finding(Check.JOURNAL, Level.GOOD)
  } else {
    val isNewer = facts.journalError.key == TextKey.JOURNAL_NEWER
    Finding(Check.JOURNAL, Level.BAD, Fix.STORAGE.takeIf { !isNewer }, detail = facts.journalError)
  }

/** When the server raises its alarm. */
private val SYNC_OVERDUE =
  Duration.ofSeconds(Protocol.MISSED_SYNCS.toLong() * Protocol.IDLE_SYNC_SECONDS)
private val CLOCK_TOLERANCE = Duration.ofMinutes(2)
