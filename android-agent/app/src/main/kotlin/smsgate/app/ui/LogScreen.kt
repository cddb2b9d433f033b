package smsgate.app.ui

import android.content.Intent
import android.view.View
import android.view.ViewGroup
import android.widget.Button
import smsgate.app.R
import smsgate.app.doctor.examine
import smsgate.app.doctor.gatherFacts
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
    val look = LOOKS[line.kind]
    row.icon(R.id.icon, look?.icon ?: R.drawable.ic_dot, look?.color ?: R.color.soft)
    row.text(R.id.title, look?.let { activity.getString(it.text) } ?: line.kind)
    row.textOrGone(R.id.text, line.details.joinToString(" · ") { inWords(activity, it) })
    val at = line.at.atZone(ZoneId.systemDefault())
    val isToday = at.toLocalDate() == phone.clock.wall().atZone(ZoneId.systemDefault()).toLocalDate()
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

  private class Look(val text: Int, val icon: Int, val color: Int)

  private companion object {
    const val SHOWN = 100
    val TIME: DateTimeFormatter = DateTimeFormatter.ofPattern("HH:mm:ss")
    val DATE: DateTimeFormatter = DateTimeFormatter.ofLocalizedDate(FormatStyle.SHORT)

    val LOOKS = mapOf(
      "SENT" to Look(R.string.log_sent, R.drawable.ic_send, R.color.accent),
      "COLLECTED" to Look(R.string.log_collected, R.drawable.ic_good, R.color.good),
      "RELEASED" to Look(R.string.log_released, R.drawable.ic_inbox, R.color.soft),
      "SYNCED" to Look(R.string.log_synced, R.drawable.ic_sync, R.color.soft),
      "SYNC_FAILED" to Look(R.string.log_sync_failed, R.drawable.ic_warn, R.color.warn),
      "GAVE_UP" to Look(R.string.log_gave_up, R.drawable.ic_warn, R.color.warn),
      "RECOVERED" to Look(R.string.log_recovered, R.drawable.ic_sync, R.color.soft),
      "STOPPED" to Look(R.string.log_stopped, R.drawable.ic_bad, R.color.bad),
      "JOURNAL_FAILED" to Look(R.string.log_journal_failed, R.drawable.ic_bad, R.color.bad),
      "PAIRED" to Look(R.string.log_paired, R.drawable.ic_link, R.color.good),
      "PAIRING_FAILED" to Look(R.string.log_pairing_failed, R.drawable.ic_warn, R.color.warn),
      "UNPAIRED" to Look(R.string.log_unpaired, R.drawable.ic_link, R.color.soft),
      "PAUSED" to Look(R.string.log_paused, R.drawable.ic_pause, R.color.warn),
      "RESUMED" to Look(R.string.log_resumed, R.drawable.ic_play, R.color.good),
      "STARTED" to Look(R.string.log_started, R.drawable.ic_play, R.color.soft),
      "START_REFUSED" to Look(R.string.log_start_refused, R.drawable.ic_warn, R.color.warn),
    )
  }
}
