package smsgate.cli

import com.grack.nanojson.JsonWriter
import smsgate.core.Clock
import smsgate.core.Report
import smsgate.core.Sms
import smsgate.core.SmsSender
import java.io.File
import java.util.PriorityQueue
import kotlin.random.Random

/**
 * A SIM that shows what it was told to send, and appends it to a file: sent after 2 s, delivered
 * 3 s later.
 */
class PretendedSim(
  private val clock: Clock,
  private val outbox: File?,
  private val failRate: Double,
  private val blockedBy: String?,
  private val show: (String) -> Unit,
) : SmsSender {
  private val coming = PriorityQueue<Pair<Long, Report>>(compareBy { it.first })

  override fun blocked(sim: Int?) = blockedBy ?: "no_sim".takeIf { slot(sim) > 0 }

  override fun slot(sim: Int?) = sim ?: 0

  override fun send(sms: Sms) {
    val parts = if (sms.parts == 1) "1 part" else "${sms.parts} parts"
    show("SIM ${sms.sim + 1}: to ${sms.phone} ($parts): ${sms.text}")
    outbox?.appendText(line(sms) + "\n")
    for (part in 1..sms.parts) foresee(sms, part)
  }

  private fun foresee(sms: Sms, part: Int) {
    val sentAtMs = clock.monotonicMs() + SENT_AFTER_MS
    fun says(type: Report.Type, code: String? = null) =
      Report(sms.messageId, sms.attempt, part, sms.parts, type, code)
    if (Random.nextDouble() < failRate) {
      coming += sentAtMs to says(Report.Type.FAILED, "generic_failure")
    } else {
      coming += sentAtMs to says(Report.Type.SENT)
      coming += sentAtMs + DELIVERED_AFTER_MS to says(Report.Type.DELIVERED)
    }
  }

  private fun line(sms: Sms): String = JsonWriter.string(
    linkedMapOf(
      "at" to clock.wall().toString(),
      "monotonic" to clock.monotonicMs() / 1000.0,
      "message_id" to sms.messageId,
      "attempt" to sms.attempt,
      "phone" to sms.phone,
      "text" to sms.text,
      "parts" to sms.parts,
      "sim" to sms.sim,
    ),
  )

  override fun reports(): List<Report> {
    val due = ArrayList<Report>()
    while (coming.isNotEmpty() && coming.peek().first <= clock.monotonicMs()) {
      due += coming.remove().second
    }
    return due
  }

  override fun nextReportAtMs() = coming.peek()?.first

  private companion object {
    const val SENT_AFTER_MS = 2_000L
    const val DELIVERED_AFTER_MS = 3_000L
  }
}
