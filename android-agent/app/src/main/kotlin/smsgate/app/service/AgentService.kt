package smsgate.app.service

import android.app.Service
import android.content.Context
import android.content.Intent
import android.content.pm.ServiceInfo
import android.os.Build
import android.os.Handler
import android.os.IBinder
import android.os.Looper
import smsgate.app.log.LogKind
import smsgate.app.phone

/**
 * Keeps the process alive, with a notification that says what it does. `specialUse`: sending other
 * people's programs' messages all day is none of the types that Android names, and the others end
 * after hours or may not start at boot.
 */
class AgentService :
  Service(),
  EngineListener {
  private val main = Handler(Looper.getMainLooper())

  override fun onCreate() {
    super.onCreate()
    isRunning = true
    try {
      toForeground()
    } catch (error: IllegalStateException) {
      // Since Android 12, where it starts by itself an app that has no battery exemption.
      phone.log.add(LogKind.START_REFUSED, error.javaClass.simpleName)
      stopSelf()
    }
    phone.engine.listen(this)
  }

  private fun toForeground() {
    val notification = phone.notifications.ongoing(phone.engine.snapshot, phone.settings.isPaused)
    if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.UPSIDE_DOWN_CAKE) {
      val type = ServiceInfo.FOREGROUND_SERVICE_TYPE_SPECIAL_USE
      startForeground(Notifications.ONGOING, notification, type)
    } else {
      startForeground(Notifications.ONGOING, notification)
    }
  }

  override fun onStartCommand(intent: Intent?, flags: Int, startId: Int): Int {
    when (intent?.action) {
      PAUSE -> pause(this, true)
      RESUME -> pause(this, false)
    }
    phone.engine.start()
    return START_STICKY
  }

  override fun onChange(snapshot: Snapshot) {
    main.post {
      if (snapshot.stopReason != null) {
        Watchdogs.cancel(this)
        stopSelf()
      } else if (isRunning) {
        phone.notifications.showOngoing(snapshot, phone.settings.isPaused)
      }
    }
  }

  override fun onDestroy() {
    isRunning = false
    phone.engine.unlisten(this)
    super.onDestroy()
  }

  override fun onBind(intent: Intent?): IBinder? = null

  companion object {
    const val PAUSE = "smsgate.app.PAUSE"
    const val RESUME = "smsgate.app.RESUME"

    @Volatile
    var isRunning = false
      private set

    /** The owner's pause. Nothing is fetched and nothing is started; reports go on. */
    fun pause(context: Context, isPaused: Boolean) {
      val phone = context.phone
      phone.settings.isPaused = isPaused
      phone.log.add(if (isPaused) LogKind.PAUSED else LogKind.RESUMED)
      if (isPaused) phone.engine.start() else phone.engine.syncNow()
      if (isRunning) phone.notifications.showOngoing(phone.engine.snapshot, isPaused)
    }
  }
}
