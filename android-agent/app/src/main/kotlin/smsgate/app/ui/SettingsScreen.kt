package smsgate.app.ui

import android.app.AlertDialog
import android.view.View
import android.view.ViewGroup
import android.widget.Button
import android.widget.EditText
import android.widget.RadioButton
import android.widget.RadioGroup
import android.widget.Toast
import smsgate.app.R
import smsgate.app.phone
import smsgate.app.sms.SimCard
import smsgate.app.versionOf

/** The default SIM, the daily cap, and unpairing. */
class SettingsScreen(private val activity: MainActivity, parent: ViewGroup) : Screen {
  override val view: View = parent.inflate(R.layout.screen_settings)
  private val phone = activity.phone
  private val cards = phone.sims.cards()
  private val caps = HashMap<Int, EditText>()

  init {
    view.part<View>(R.id.default_card).isShown(cards.size > 1)
    view.part<View>(R.id.caps_card).isShown(cards.isNotEmpty())
    addDefaults(view.part(R.id.default_sim))
    cards.forEach { addCap(view.part(R.id.caps), it) }
    view.part<Button>(R.id.save).setOnClickListener { save() }
    view.part<Button>(R.id.unpair).setOnClickListener { unpair() }
    view.text(R.id.version, activity.getString(R.string.settings_version, versionOf(activity)))
  }

  override fun refresh() {
    val host = phone.engine.snapshot.host
    view.part<View>(R.id.server_card).isShown(host != null)
    view.text(R.id.server, host.orEmpty())
  }

  private fun nameOf(card: SimCard): String =
    listOf(activity.getString(R.string.sim_slot, card.slot + 1), card.carrier)
      .filter { it.isNotBlank() }.joinToString(" · ")

  private fun addDefaults(group: RadioGroup) {
    val choices = listOf<Pair<Int?, String>>(
      null to activity.getString(R.string.settings_default_system),
    ) + cards.map { it.slot to nameOf(it) }
    choices.forEach { (slot, name) ->
      val button = RadioButton(activity).apply {
        id = View.generateViewId()
        text = name
        textSize = TEXT_SP
        setTextColor(activity.getColor(R.color.ink))
        minHeight = (TOUCH_DP * resources.displayMetrics.density).toInt()
        setOnClickListener { phone.settings.defaultSlot = slot }
      }
      group.addView(button)
      if (slot == phone.settings.defaultSlot) group.check(button.id)
    }
  }

  private fun addCap(parent: ViewGroup, card: SimCard) {
    val row = parent.add(R.layout.row_cap)
    row.text(R.id.title, nameOf(card))
    val field = row.part<EditText>(R.id.cap)
    field.isSaveEnabled = false // the rows share one id
    phone.settings.dailyCap(card.slot)?.let { field.setText(it.toString()) }
    caps[card.slot] = field
  }

  private fun save() {
    caps.forEach { (slot, field) ->
      phone.settings.setDailyCap(slot, field.text.toString().toIntOrNull())
    }
    phone.engine.start()
    Toast.makeText(activity, R.string.settings_saved, Toast.LENGTH_SHORT).show()
  }

  private fun unpair() {
    AlertDialog.Builder(activity)
      .setTitle(R.string.settings_unpair)
      .setMessage(R.string.settings_unpair_text)
      .setNegativeButton(android.R.string.cancel, null)
      .setPositiveButton(R.string.settings_unpair) { _, _ -> phone.engine.unpair() }
      .show()
  }

  private companion object {
    const val TEXT_SP = 16f
    const val TOUCH_DP = 48
  }
}
