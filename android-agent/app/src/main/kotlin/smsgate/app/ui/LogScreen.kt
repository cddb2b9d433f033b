package smsgate.app.ui

import android.content.Intent
import android.view.View
import android.view.ViewGroup
import android.widget.Button
import smsgate.app.R
import smsgate.app.doctor.examine
import smsgate.app.doctor.gatherFacts
import smsgate.app.log.LogKind
import smsgate.app.log.LogLine
import smsgate.app.log.supportReport
import smsgate.app.phone
import java.time.LocalDate
import java.time.ZoneId
import java.time.format.DateTimeFormatter
import java.time.format.FormatStyle

/** The last events in plain words, with what there is to say of each below. */
class LogScreen(private val activity: MainActivity, parent: ViewGroup) : Screen {
  override val view: View = parent.inflate(R.layout.screen_log)
  private val phone = activity.phone
  private var shown: List<LogLine>? = null

  init {
    view.part<Button>(R.id.share).setOnClickListener { share() }
  }

  override fun refresh() {
    val lines = phone.log.last(SHOWN)
    if (lines == shown) return
    shown = lines
    val rows = view.part<ViewGroup>(R.id.rows)
    rows.removeAllViews()
    if (lines.isEmpty()) {
      rows.add(R.layout.row_log).text(R.id.title, activity.getString(R.string.log_empty))
    }
    lines.forEach { show(rows.add(R.layout.row_log), it) }
  }

  private fun show(row: View, line: LogLine) {
    val look = line.kind?.let(::lookOf)
    row.icon(R.id.icon, look?.icon ?: R.drawable.ic_dot, look?.color ?: R.color.soft)
    row.text(R.id.title, look?.let { activity.getString(it.text) } ?: line.kindName)
    row.textOrGone(R.id.text, line.details.joinToString(" · ") { textOf(activity, it) })
    val at = line.at.atZone(ZoneId.systemDefault())
    val now = phone.clock.wall().atZone(ZoneId.systemDefault())
    val isToday = at.toLocalDate() == now.toLocalDate()
    row.text(R.id.time, (if (isToday) TIME else DATE).format(at))
  }

  private fun share() {
    val report = supportReport(phone, examine(gatherFacts(phone)))
    val send = Intent(Intent.ACTION_SEND)
      .setType("text/plain")
      .putExtra(Intent.EXTRA_SUBJECT, activity.getString(R.string.log_subject))
      .putExtra(Intent.EXTRA_TEXT, report)
    activity.startActivity(Intent.createChooser(send, activity.getString(R.string.log_share)))
  }

  private companion object {
    const val SHOWN = 100
    val TIME: DateTimeFormatter = DateTimeFormatter.ofPattern("HH:mm:ss")
    val DATE: DateTimeFormatter = DateTimeFormatter.ofLocalizedDate(FormatStyle.SHORT)
  }
}

private class Look(val text: Int, val icon: Int, val color: Int)

private fun lookOf(kind: LogKind): Look = when (kind) {
  LogKind.SENT -> Look(R.string.log_sent, R.drawable.ic_send, R.color.accent)
  LogKind.COLLECTED -> Look(R.string.log_collected, R.drawable.ic_good, R.color.good)
  LogKind.RELEASED -> Look(R.string.log_released, R.drawable.ic_inbox, R.color.soft)
  LogKind.SYNCED -> Look(R.string.log_synced, R.drawable.ic_sync, R.color.soft)
  LogKind.SYNC_FAILED -> Look(R.string.log_sync_failed, R.drawable.ic_warn, R.color.warn)
  LogKind.GAVE_UP -> Look(R.string.log_gave_up, R.drawable.ic_warn, R.color.warn)
  LogKind.RECOVERED -> Look(R.string.log_recovered, R.drawable.ic_sync, R.color.soft)
  LogKind.STOPPED -> Look(R.string.log_stopped, R.drawable.ic_bad, R.color.bad)
  LogKind.JOURNAL_FAILED -> Look(R.string.log_journal_failed, R.drawable.ic_bad, R.color.bad)
  LogKind.PAIRED -> Look(R.string.log_paired, R.drawable.ic_link, R.color.good)
  LogKind.PAIRING_FAILED -> Look(R.string.log_pairing_failed, R.drawable.ic_warn, R.color.warn)
  LogKind.UNPAIRED -> Look(R.string.log_unpaired, R.drawable.ic_link, R.color.soft)
  LogKind.PAUSED -> Look(R.string.log_paused, R.drawable.ic_pause, R.color.warn)
  LogKind.RESUMED -> Look(R.string.log_resumed, R.drawable.ic_play, R.color.good)
  LogKind.STARTED -> Look(R.string.log_started, R.drawable.ic_play, R.color.soft)
  LogKind.START_REFUSED -> Look(R.string.log_start_refused, R.drawable.ic_warn, R.color.warn)
}
