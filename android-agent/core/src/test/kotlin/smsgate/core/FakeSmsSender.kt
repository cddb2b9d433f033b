package smsgate.core

import java.util.PriorityQueue
import kotlin.random.Random

/** How the pretended radio and network behave; rates are probabilities per part. */
data class Plan(
  val failRate: Double = 0.0,
  val undeliveredRate: Double = 0.0,
  /** Sent, and the radio never says so. */
  val silentRate: Double = 0.0,
  val seed: Int = 0,
)

/** Two SIMs that send nothing: sent after 2 s, delivered 3 s later. */
class FakeSmsSender(
  private val clock: Clock,
  private val plan: Plan = Plan(),
  private val onSend: (Sms) -> Unit = {},
) : SmsSender {
  private val pending = PriorityQueue<Pair<Long, Report>>(compareBy { it.first })
  var blockedBy: String? = null
  var blockedSims = emptySet<Int>()

  override fun blocked(sim: Int?) =
    blockedBy ?: "no_sim".takeIf { slot(sim) > 1 || slot(sim) in blockedSims }

  override fun slot(sim: Int?) = sim ?: 0

  override fun send(sms: Sms) {
    onSend(sms)
    for (part in 1..sms.parts) foresee(sms, part)
  }

  private fun foresee(sms: Sms, part: Int) {
    val chance = Random(plan.seed * 31 + sms.messageId * 7 + sms.attempt * 3 + part)
    val sentAtMs = clock.monotonicMs() + 2_000
    fun says(type: Report.Type, code: String? = null) =
      Report(sms.messageId, sms.attempt, part, sms.parts, type, code)
    if (chance.nextDouble() < plan.failRate) {
      pending += sentAtMs to says(Report.Type.FAILED, "generic_failure")
    } else if (chance.nextDouble() >= plan.silentRate) {
      val isUndelivered = chance.nextDouble() < plan.undeliveredRate
      pending += sentAtMs to says(Report.Type.SENT)
      pending += sentAtMs + 3_000 to
        says(if (isUndelivered) Report.Type.UNDELIVERED else Report.Type.DELIVERED)
    }
  }

  override fun reports(): List<Report> {
    val due = ArrayList<Report>()
    while (pending.isNotEmpty() && pending.peek().first <= clock.monotonicMs()) {
      due += pending.remove().second
    }
    return due
  }

  override fun nextReportAtMs() = pending.peek()?.first
}
