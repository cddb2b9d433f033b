package smsgate.app.ui

import android.app.Activity
import android.content.Intent
import android.os.Build
import android.os.Bundle
import android.view.MotionEvent
import android.view.View
import android.widget.Button
import android.widget.EditText
import smsgate.app.R
import smsgate.app.phone
import smsgate.app.service.Starter
import smsgate.core.Detail
import smsgate.core.Invitation
import smsgate.core.PairingException
import smsgate.core.TextKey

/**
 * Opened by a `smsgate://pair` link, or by hand. It says whose messages this phone would send, and does
 * nothing before its owner has said yes.
 */
class PairActivity : Activity() {
  private var invitation: Invitation? = null

  override fun onCreate(savedInstanceState: Bundle?) {
    super.onCreate(savedInstanceState)
    setContentView(R.layout.activity_pair)
    refuseOverlays()
    phone.engine.start()
    button(R.id.next).setOnClickListener { readTyped() }
    button(R.id.no).setOnClickListener { finish() }
    open(intent)
  }

  /**
   * Guards against tapjacking: an overlay could hide the host's name, to which the owner says yes.
   * Overlays are hidden where Android can (12); a tap while one covers anything is ignored.
   */
  private fun refuseOverlays() {
    if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.S) window.setHideOverlayWindows(true)
    button(R.id.yes).setOnTouchListener { _, touch ->
      val isCovered = touch.flags and COVERED != 0
      if (isCovered) complain(getString(R.string.pair_covered))
      isCovered
    }
  }

  override fun onNewIntent(intent: Intent) {
    super.onNewIntent(intent)
    open(intent)
  }

  private fun open(intent: Intent) {
    val link = intent.dataString
    if (link == null) show(null) else read { Invitation.read(link) }
  }

  private fun readTyped() = read {
    val server = field(R.id.server).trim()
    val code = field(R.id.code).trim()
    when {
      code.contains("://") -> Invitation.read(code) // a whole link, pasted
      server.contains("/pair/#") -> Invitation.read(server)
      "://" in server -> Invitation.read(code, server)
      else -> Invitation.read(code, "https://$server")
    }
  }

  private fun read(make: () -> Invitation) {
    try {
      show(make())
    } catch (error: PairingException) {
      show(null)
      complain(textOf(this, error.detail))
    }
  }

  private fun show(invitation: Invitation?) {
    this.invitation = invitation
    complain(null)
    part<View>(R.id.typing).isShown(invitation == null)
    part<View>(R.id.confirming).isShown(invitation != null)
    if (invitation != null) confirm(invitation)
  }

  private fun confirm(invitation: Invitation) {
    val root = part<View>(R.id.confirming)
    root.text(R.id.host, invitation.host)
    val isPinned = invitation.pin != null
    root.text(
      R.id.trust,
      getString(if (isPinned) R.string.pair_own_certificate else R.string.pair_system_trust),
    )
    val other = phone.engine.snapshot.host.takeIf { it != null && it != invitation.host }
    root.text(
      R.id.warning,
      if (other == null) getString(R.string.pair_warn) else getString(R.string.pair_other, other),
    )
    button(R.id.yes).apply {
      val label = if (other == null) R.string.pair_yes else R.string.pair_replace
      text = getString(label, invitation.host)
      isEnabled = true
      setOnClickListener { pair(invitation, isNewOwner = other != null) }
    }
  }

  private fun pair(invitation: Invitation, isNewOwner: Boolean) {
    if (!invitation.baseUrl.startsWith("https://")) {
      return complain(textOf(this, Detail(TextKey.CLEARTEXT)))
    }
    complain(null)
    button(R.id.yes).isEnabled = false
    button(R.id.yes).setText(R.string.pair_busy)
    phone.engine.pair(invitation, isNewOwner) { problem ->
      if (problem == null) phone.sims.learn()
      runOnUiThread { onPaired(invitation, problem) }
    }
  }

  private fun onPaired(invitation: Invitation, problem: Detail?) {
    if (isDestroyed) return
    if (problem != null) {
      confirm(invitation)
      return complain(textOf(this, problem))
    }
    Starter.ensureRunning(this)
    // There is always something to allow on a new phone.
    startActivity(MainActivity.intent(this, MainActivity.Tab.DOCTOR))
    finish()
  }

  private fun complain(problem: String?) =
    part<View>(android.R.id.content).textOrGone(R.id.problem, problem)

  private fun button(id: Int): Button = part(id)

  private fun field(id: Int): String = part<EditText>(id).text.toString()

  private companion object {
    const val COVERED =
      MotionEvent.FLAG_WINDOW_IS_OBSCURED or MotionEvent.FLAG_WINDOW_IS_PARTIALLY_OBSCURED
  }
}
