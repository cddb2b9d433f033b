package androidx.test.runner.lifecycle

import android.app.Activity
import android.app.Application

enum class Stage {
  PRE_ON_CREATE, CREATED, STARTED, RESUMED, PAUSED, STOPPED, RESTARTED, DESTROYED
}

enum class ApplicationStage { PRE_ON_CREATE, CREATED }

interface ActivityLifecycleCallback {
  fun onActivityLifecycleChanged(activity: Activity, stage: Stage)
}

interface ActivityLifecycleMonitor {
  fun addLifecycleCallback(callback: ActivityLifecycleCallback)
  fun removeLifecycleCallback(callback: ActivityLifecycleCallback)
  fun getLifecycleStageOf(activity: Activity): Stage
  fun getActivitiesInStage(stage: Stage): Collection<Activity>
}

interface ApplicationLifecycleMonitor {
  fun getStageOf(application: Application): ApplicationStage
}

object ActivityLifecycleMonitorRegistry {
  private var current: ActivityLifecycleMonitor? = null

  @JvmStatic
  fun registerInstance(monitor: ActivityLifecycleMonitor?) {
    current = monitor
  }

  @JvmStatic
  fun getInstance(): ActivityLifecycleMonitor = checkNotNull(current)
}

object ApplicationLifecycleMonitorRegistry {
  @JvmStatic
  @Suppress("UNUSED_PARAMETER")
  fun registerInstance(monitor: ApplicationLifecycleMonitor?) = Unit
}
