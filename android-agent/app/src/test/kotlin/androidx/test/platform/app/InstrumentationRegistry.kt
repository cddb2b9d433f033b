// Robolectric links to a few classes of androidx.test, which lies only in Google's repository. These
// stand in for them, with just what Robolectric calls.
package androidx.test.platform.app

import android.app.Instrumentation
import android.os.Bundle

object InstrumentationRegistry {
  private var current: Instrumentation? = null

  @JvmStatic
  fun registerInstance(instrumentation: Instrumentation?, arguments: Bundle?) {
    current = instrumentation
  }

  @JvmStatic
  fun getInstrumentation(): Instrumentation = checkNotNull(current)
}
