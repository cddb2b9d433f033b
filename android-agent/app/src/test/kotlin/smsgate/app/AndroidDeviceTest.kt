package smsgate.app

import android.os.PowerManager
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import kotlin.test.assertEquals

@RunWith(RobolectricTestRunner::class)
class AndroidDeviceTest {
  @get:Rule val test = TestPhone()

  @Test fun `it says whether the battery saver lets it run`() {
    for (mayRun in listOf(true, false)) {
      shadowOf(test.app.service<PowerManager>())
        .setIgnoringBatteryOptimizations(test.app.packageName, mayRun)
      val said = AndroidDevice(test.app, test.phone.sims).health().permissions
      assertEquals(mayRun, said["battery_unrestricted"])
    }
  }
}
