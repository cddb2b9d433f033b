package smsgate.app.ui

import android.app.Activity
import android.content.Context
import android.content.Intent
import android.os.Bundle
import android.os.Handler
import android.os.Looper
import android.view.View
import android.view.ViewGroup
import android.widget.ScrollView
import smsgate.app.R
import smsgate.app.doctor.Check
import smsgate.app.doctor.Level
import smsgate.app.doctor.examine
import smsgate.app.doctor.gatherFacts
import smsgate.app.phone
import smsgate.app.service.EngineListener
import smsgate.app.service.Snapshot
import smsgate.app.service.Starter

/** Four tabs over one agent. */
class MainActivity :
  Activity(),
  EngineListener {
  enum class Tab(val label: Int, val icon: Int) {
    STATUS(R.string.tab_status, R.drawable.ic_status),
    DOCTOR(R.string.tab_doctor, R.drawable.ic_doctor),
    LOG(R.string.tab_log, R.drawable.ic_log),
    SETTINGS(R.string.tab_settings, R.drawable.ic_settings),
  }

  private val main = Handler(Looper.getMainLooper())
  private val tick = Runnable { onTick() }
  private lateinit var tab: Tab
  private lateinit var screen: Screen

  override fun onCreate(savedInstanceState: Bundle?) {
    super.onCreate(savedInstanceState)
    setContentView(R.layout.activity_main)
    val tabs = part<ViewGroup>(R.id.tabs)
    Tab.entries.forEach { tab -> addTab(tabs, tab) }
    open(tabOf(savedInstanceState?.getInt(TAB) ?: intent.getIntExtra(TAB, 0)))
  }

  override fun onNewIntent(intent: Intent) {
    super.onNewIntent(intent)
    open(tabOf(intent.getIntExtra(TAB, 0)))
  }

  /** Any app may open this screen, with any number. */
  private fun tabOf(number: Int) = Tab.entries.getOrElse(number) { Tab.STATUS }

  private fun addTab(tabs: ViewGroup, tab: Tab) {
    val view = tabs.add(R.layout.tab)
    view.text(R.id.label, getString(tab.label))
    view.part<android.widget.ImageView>(R.id.icon).setImageResource(tab.icon)
    view.contentDescription = getString(tab.label)
    view.setOnClickListener { open(tab) }
  }

  fun open(tab: Tab) {
    this.tab = tab
    val frame = part<ViewGroup>(R.id.screen)
    frame.removeAllViews()
    screen = when (tab) {
      Tab.STATUS -> StatusScreen(this, frame)
      Tab.DOCTOR -> DoctorScreen(this, frame)
      Tab.LOG -> LogScreen(this, frame)
      Tab.SETTINGS -> SettingsScreen(this, frame)
    }
    frame.addView(screen.view)
    val tabs = part<ViewGroup>(R.id.tabs)
    Tab.entries.forEach { tabs.getChildAt(it.ordinal).isSelected = it == tab }
    part<ScrollView>(R.id.scroll).scrollTo(0, 0)
    screen.refresh()
  }

  override fun onStart() {
    super.onStart()
    phone.engine.listen(this)
    phone.engine.start()
    Starter.ensureRunning(this)
    onTick()
  }

  override fun onStop() {
    main.removeCallbacks(tick)
    phone.engine.unlisten(this)
    super.onStop()
  }

  override fun onChange(snapshot: Snapshot) {
    main.post { if (!isDestroyed) screen.refresh() }
  }

  private fun onTick() {
    screen.refresh()
    main.removeCallbacks(tick)
    main.postDelayed(tick, TICK_MS)
  }

  override fun onRequestPermissionsResult(code: Int, names: Array<String>, results: IntArray) {
    phone.sims.learnFirst()
    phone.engine.start()
    screen.refresh()
  }

  override fun onSaveInstanceState(outState: Bundle) {
    super.onSaveInstanceState(outState)
    outState.putInt(TAB, tab.ordinal)
  }

  /** How many things the doctor would have its owner do, beside those that the status says itself. */
  fun complaints(): Int = examine(gatherFacts(phone))
    .count { it.level != Level.GOOD && it.check != Check.PAIRED && it.check != Check.QUEUE }

  companion object {
    private const val TAB = "tab"
    private const val TICK_MS = 10_000L

    fun intent(context: Context, tab: Tab): Intent = Intent(context, MainActivity::class.java)
      .addFlags(Intent.FLAG_ACTIVITY_CLEAR_TOP)
      .putExtra(TAB, tab.ordinal)
  }
}
