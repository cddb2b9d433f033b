package androidx.test.internal.runner.lifecycle

import android.app.Activity
import android.app.Application
import androidx.test.runner.lifecycle.ActivityLifecycleCallback
import androidx.test.runner.lifecycle.ActivityLifecycleMonitor
import androidx.test.runner.lifecycle.ApplicationLifecycleMonitor
import androidx.test.runner.lifecycle.ApplicationStage
import androidx.test.runner.lifecycle.Stage

class ActivityLifecycleMonitorImpl : ActivityLifecycleMonitor {
  private val stages = LinkedHashMap<Activity, Stage>()

  override fun addLifecycleCallback(callback: ActivityLifecycleCallback) = Unit

  override fun removeLifecycleCallback(callback: ActivityLifecycleCallback) = Unit

  override fun getLifecycleStageOf(activity: Activity): Stage = stages.getValue(activity)

  override fun getActivitiesInStage(stage: Stage): Collection<Activity> =
    stages.filterValues { it == stage }.keys

  fun signalLifecycleChange(stage: Stage, activity: Activity) {
    stages[activity] = stage
  }
}

class ApplicationLifecycleMonitorImpl : ApplicationLifecycleMonitor {
  private var stage = ApplicationStage.PRE_ON_CREATE

  override fun getStageOf(application: Application): ApplicationStage = stage

  @Suppress("UNUSED_PARAMETER")
  fun signalLifecycleChange(application: Application, stage: ApplicationStage) {
    this.stage = stage
  }
}
