package smsgate.app.ui

import android.view.View
import android.view.ViewGroup
import android.widget.Button
import smsgate.app.R
import smsgate.app.doctor.Finding
import smsgate.app.doctor.Level
import smsgate.app.doctor.examine
import smsgate.app.doctor.gatherFacts
import smsgate.app.phone

/** What may keep messages from going, the worst first, each with its remedy. */
class DoctorScreen(private val activity: MainActivity, parent: ViewGroup) : Screen {
  override val view: View = parent.inflate(R.layout.screen_list)
  private val remedies = Remedies(activity)
  private var shown: List<Finding>? = null

  init {
    view.text(R.id.title, activity.getString(R.string.doctor_title))
  }

  override fun refresh() {
    val findings = examine(gatherFacts(activity.phone)).sortedByDescending { it.level }
    if (findings == shown) return // else a button would be lost under the finger that is on it
    shown = findings
    val bad = findings.count { it.level != Level.GOOD }
    view.text(
      R.id.intro,
      if (bad == 0) {
        activity.getString(R.string.doctor_all_good)
      } else {
        activity.resources.getQuantityString(R.plurals.doctor_hint, bad, bad)
      },
    )
    val rows = view.part<ViewGroup>(R.id.rows)
    rows.removeAllViews()
    findings.forEach { show(rows.add(R.layout.row_check), it) }
  }

  private fun show(row: View, finding: Finding) {
    row.icon(R.id.icon, iconOf(finding.level), colorOf(finding.level))
    row.part<View>(R.id.icon).contentDescription =
      activity.getString(levelText(finding.level))
    row.text(R.id.title, activity.getString(titleOf(finding.check)))
    row.text(R.id.text, sentenceOf(activity, finding))
    val button = row.part<Button>(R.id.fix)
    val fix = finding.fix
    button.isShown(fix != null)
    if (fix != null) {
      val label = activity.getString(labelOf(fix))
      button.text = label
      button.contentDescription = "${activity.getString(titleOf(finding.check))}: $label"
      button.setOnClickListener { remedies.apply(fix) }
    }
  }
}
