package androidx.test.runner.intent

import android.app.Instrumentation
import android.content.Intent

interface IntentMonitor

object IntentMonitorRegistry {
  @JvmStatic
  @Suppress("UNUSED_PARAMETER")
  fun registerInstance(monitor: IntentMonitor?) = Unit
}

interface IntentStubber {
  fun getActivityResultForIntent(intent: Intent): Instrumentation.ActivityResult?
}

object IntentStubberRegistry {
  @JvmStatic
  fun isLoaded(): Boolean = false

  @JvmStatic
  fun getInstance(): IntentStubber = error("none is loaded")
}
