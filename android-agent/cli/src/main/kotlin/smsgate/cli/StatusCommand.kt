package smsgate.cli

import com.grack.nanojson.JsonWriter
import smsgate.core.AttemptState
import smsgate.core.Journal
import smsgate.core.StopReason

/** What the phone holds and has to report: no number, no text, no token. */
class StatusCommand(private val options: Options) {
  private val file = options.journal

  fun run(): Int {
    options.noPositionals()
    val facts = existingJournal(file).use(::factsOf)
    if ("--json" in options) {
      println(JsonWriter.string(facts))
    } else {
      facts.forEach { (name, value) -> println("%-11s %s".format(name, value ?: "none")) }
    }
    return OK
  }

  private fun factsOf(journal: Journal): Map<String, Any?> {
    val counts = journal.counts()
    val stopped = journal.stopReason
    return linkedMapOf(
      "server" to journal.baseUrl,
      "device_id" to journal.deviceId?.toString(),
      "paired" to (stopped == null),
      "stopped" to stopped.takeIf { it != StopReason.NOT_PAIRED }?.code,
      "held" to (counts[AttemptState.LEASED] ?: 0),
      "started" to (counts[AttemptState.SENDING] ?: 0),
      "unknown" to (counts[AttemptState.UNCERTAIN] ?: 0),
      "unreported" to journal.unreported(),
      "paused_sims" to journal.pauses().keys.sorted(),
      "last_sync" to journal.lastSync,
    )
  }

  companion object {
    val OPTIONS = mapOf("--journal" to true, "--json" to false)
  }
}
