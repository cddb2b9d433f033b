package smsgate.app.service

import android.content.Context
import android.content.Intent
import smsgate.app.log.LogKind
import smsgate.app.phone

/** Starts what shall always run. */
object Starter {
  /**
   * The service, if this phone is paired. Where Android refuses (since 12 it does, in the background
   * and without the battery exemption) the agent works as long as Android leaves it the process.
   */
  fun ensureRunning(context: Context) {
    val phone = context.phone
    if (!phone.settings.isAtWork) return
    Watchdogs.plan(context, phone.clock)
    if (!AgentService.isRunning) {
      try {
        context.startForegroundService(Intent(context, AgentService::class.java))
      } catch (error: IllegalStateException) {
        phone.log.add(LogKind.START_REFUSED, error.javaClass.simpleName)
      }
    }
    phone.engine.start()
  }
}
