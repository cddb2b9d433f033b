package smsgate.app.ui

import android.view.View

/** One tab: a view, and how it is brought up to date. */
interface Screen {
  val view: View

  /** Called when it is opened, and each time something may have changed. */
  fun refresh()
}
