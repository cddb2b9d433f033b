package smsgate.app.ui

import android.content.Intent
import android.view.View
import android.view.ViewGroup
import android.widget.Button
import android.widget.ProgressBar
import android.widget.TextView
import smsgate.app.R
import smsgate.app.phone
import smsgate.app.service.AgentService
import smsgate.app.service.Snapshot
import smsgate.app.sms.SimCard
import smsgate.core.StopReason
import smsgate.core.TextKey
import java.time.Duration

/** What the phone does now, in one sentence, and the one thing to do about it. */
class StatusScreen(private val activity: MainActivity, parent: ViewGroup) : Screen {
  override val view: View = parent.inflate(R.layout.screen_status)
  private val phone = activity.phone

  init {
    view.part<Button>(R.id.sync_now).setOnClickListener { phone.engine.syncNow() }
    val steps = view.part<ViewGroup>(R.id.steps)
    listOf(R.string.step_1, R.string.step_2, R.string.step_3).forEachIndexed { index, text ->
      val row = steps.add(R.layout.row_step)
      row.text(R.id.number, (index + 1).toString())
      row.text(R.id.text, activity.getString(text))
    }
  }

  override fun refresh() {
    val snapshot = phone.engine.snapshot
    showState(stateOf(snapshot, phone.settings.isPaused))
    showAction(snapshot)
    showHint()
    val isPaired = snapshot.stopReason == null
    listOf(R.id.counters, R.id.contact_card, R.id.sims)
      .forEach { view.part<View>(it).isShown(isPaired) }
    view.part<View>(R.id.steps).isShown(snapshot.stopReason == StopReason.NOT_PAIRED)
    if (isPaired) {
      showCounters(snapshot)
      val since = phone.link.lastSyncMs?.let { Duration.ofMillis(phone.clock.monotonicMs() - it) }
      view.text(R.id.contact, ago(activity, since))
      showSims(snapshot)
    }
  }

  private fun showState(state: State) {
    view.part<View>(R.id.state).setBackgroundResource(state.background)
    view.icon(R.id.state_icon, state.icon, state.color)
    view.text(R.id.state_title, activity.getString(state.title))
    view.part<TextView>(R.id.state_title).setTextColor(activity.getColor(state.color))
    view.text(R.id.state_text, activity.getString(state.text, phone.engine.snapshot.host))
  }

  private fun showAction(snapshot: Snapshot) {
    val button = view.part<Button>(R.id.action)
    if (snapshot.stopReason != null) {
      val isNew = snapshot.stopReason == StopReason.NOT_PAIRED
      button.setText(if (isNew) R.string.pair else R.string.pair_again)
      button.setOnClickListener {
        activity.startActivity(Intent(activity, PairActivity::class.java))
      }
      return
    }
    val isPaused = phone.settings.isPaused
    button.setText(if (isPaused) R.string.resume else R.string.pause)
    // Resume is the primary action; pause is a secondary one.
    val background = if (isPaused) R.drawable.button_primary else R.drawable.button_quiet
    button.setBackgroundResource(background)
    button.setTextColor(activity.getColor(if (isPaused) R.color.on_accent else R.color.accent))
    button.setOnClickListener {
      AgentService.pause(activity, !isPaused)
      refresh()
    }
  }

  private fun showHint() {
    val snapshot = phone.engine.snapshot
    val count = if (snapshot.stopReason == StopReason.NOT_PAIRED) 0 else activity.complaints()
    val text = activity.resources.getQuantityString(R.plurals.doctor_hint, count, count)
    view.textOrGone(R.id.doctor_hint, text.takeIf { count > 0 })
    view.part<View>(R.id.doctor_hint).apply {
      contentDescription = "$text. ${activity.getString(R.string.open_doctor)}"
      setOnClickListener { activity.open(MainActivity.Tab.DOCTOR) }
    }
  }

  private fun showCounters(snapshot: Snapshot) {
    val counters = view.part<ViewGroup>(R.id.counters)
    counters.removeAllViews()
    listOf(
      R.string.waiting to snapshot.leased,
      R.string.on_air to snapshot.awaiting,
      R.string.to_report to snapshot.unreported,
    ).forEach { (label, number) ->
      val counter = counters.add(R.layout.counter)
      counter.text(R.id.number, number.toString())
      counter.text(R.id.label, activity.getString(label))
      counter.contentDescription = "${activity.getString(label)}: $number"
    }
  }

  private fun showSims(snapshot: Snapshot) {
    val rows = view.part<ViewGroup>(R.id.sims)
    rows.removeAllViews()
    phone.sims.cards().forEach { card ->
      val row = rows.add(R.layout.row_sim)
      val slot = activity.getString(R.string.sim_slot, card.slot + 1)
      val title = listOf(slot, card.carrier).filter { it.isNotBlank() }.joinToString(" · ")
      row.text(R.id.title, title)
      row.text(R.id.text, todayOf(card, snapshot))
      showProgress(row.part(R.id.progress), card, snapshot)
    }
  }

  private fun todayOf(card: SimCard, snapshot: Snapshot): String {
    val sent = snapshot.today[card.slot] ?: 0
    val cap = phone.settings.dailyCap(card.slot)
    return when {
      !phone.sims.isKnown(card) -> activity.getString(R.string.sim_unknown)
      cap == null -> activity.getString(R.string.sim_today, sent)
      else -> activity.getString(R.string.sim_today_of, sent, cap)
    }
  }

  private fun showProgress(bar: ProgressBar, card: SimCard, snapshot: Snapshot) {
    val cap = phone.settings.dailyCap(card.slot)
    bar.isShown(cap != null && phone.sims.isKnown(card))
    bar.max = cap ?: 1
    bar.progress = snapshot.today[card.slot] ?: 0
  }
}

/** How a state looks. [text] may name the host. */
private class State(
  val title: Int,
  val text: Int,
  val icon: Int,
  val color: Int,
  val background: Int,
)

private fun stateOf(snapshot: Snapshot, isPaused: Boolean): State = when {
  snapshot.journalError?.key == TextKey.JOURNAL_NEWER ->
    bad(R.string.state_stopped, R.string.journal_newer_text)
  snapshot.journalError != null -> bad(R.string.state_journal, R.string.journal_text)
  snapshot.stopReason == StopReason.NOT_PAIRED -> State(
    R.string.state_not_paired,
    R.string.not_paired_short,
    R.drawable.ic_link,
    R.color.accent,
    R.drawable.tint_accent,
  )
  snapshot.stopReason == StopReason.UNAUTHORIZED ->
    bad(R.string.state_stopped, R.string.stopped_unauthorized)
  snapshot.stopReason == StopReason.JOURNAL_CORRUPT ->
    bad(R.string.state_stopped, R.string.stopped_corrupt)
  snapshot.stopReason == StopReason.JOURNAL_COPIED ->
    bad(R.string.state_stopped, R.string.stopped_copied)
  isPaused -> State(
    R.string.state_paused,
    R.string.paused_text,
    R.drawable.ic_pause,
    R.color.warn,
    R.drawable.tint_warn,
  )
  else -> State(
    R.string.state_working,
    R.string.working_text,
    R.drawable.ic_good,
    R.color.good,
    R.drawable.tint_good,
  )
}

private fun bad(title: Int, text: Int) =
  State(title, text, R.drawable.ic_bad, R.color.bad, R.drawable.tint_bad)
