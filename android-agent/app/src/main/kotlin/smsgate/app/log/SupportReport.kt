package smsgate.app.log

import android.os.Build
import smsgate.app.Phone
import smsgate.app.doctor.Finding
import smsgate.app.versionOf

/** What an owner may send to somebody who helps: the phone, the doctor's findings, the last events. */
fun supportReport(phone: Phone, findings: List<Finding>): String = buildString {
  val snapshot = phone.engine.snapshot
  appendLine("smsgate ${versionOf(phone.context)}")
  appendLine("Android ${Build.VERSION.RELEASE} (${Build.VERSION.SDK_INT}), ${phone.device.name}")
  appendLine("server: ${if (snapshot.baseUrl == null) "none" else "paired"}")
  appendLine("stopped: ${snapshot.stopReason?.code ?: "no"}, paused: ${phone.settings.isPaused}")
  appendLine(
    "leased: ${snapshot.leased}, awaiting: ${snapshot.awaiting}, unreported: ${snapshot.unreported}",
  )
  appendLine()
  findings.forEach { appendLine("${it.level.name.lowercase()}\t${it.check.name.lowercase()}") }
  appendLine()
  phone.log.last(EXPORTED).asReversed().forEach {
    appendLine("${it.at}\t${it.kindName}\t${it.details.joinToString()}\t${it.rawMessage}".trimEnd())
  }
}.let(::scrubbed)

private const val EXPORTED = 500
