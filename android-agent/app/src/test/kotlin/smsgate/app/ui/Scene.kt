package smsgate.app.ui

import android.Manifest.permission.RECEIVE_SMS
import android.app.Activity
import android.content.Intent
import android.net.Uri
import android.os.PowerManager
import android.view.View
import org.robolectric.Robolectric
import org.robolectric.Shadows.shadowOf
import org.robolectric.shadows.ShadowLooper
import smsgate.app.TestPhone
import smsgate.app.service
import smsgate.app.service.AgentService

/** Every screen, in a state that has something to show. */
enum class Scene(val open: (TestPhone) -> Activity) {
  UNPAIRED({ main(MainActivity.Tab.STATUS) }),
  PAIR({ pair(TestPhone.LINK + "&pin=" + "ab".repeat(32)) }),
  CODE({ pair(null) }),
  STATUS({ test ->
    test.work()
    main(MainActivity.Tab.STATUS)
  }),
  PAUSED({ test ->
    test.work()
    AgentService.pause(test.app, true)
    main(MainActivity.Tab.STATUS)
  }),
  DOCTOR({ test ->
    test.work()
    shadowOf(test.app.service<PowerManager>()).setIgnoringBatteryOptimizations("smsgate.app", false)
    shadowOf(test.app).denyPermissions(RECEIVE_SMS)
    test.insert(test.card(0, 1, "Play"), test.card(1, 9, "Orange"))
    main(MainActivity.Tab.DOCTOR)
  }),
  LOG({ test ->
    test.work()
    test.server.isReachable = false
    test.clock.advance(61)
    test.await { it.awaiting > 1 }
    main(MainActivity.Tab.LOG)
  }),
  SETTINGS({ test ->
    test.work()
    main(MainActivity.Tab.SETTINGS)
  }),
  ;

  /** Its views, measured and laid out for the whole display. */
  fun show(test: TestPhone): View {
    val view = open(test).window.decorView
    ShadowLooper.idleMainLooper()
    val size = test.app.resources.displayMetrics
    view.measure(exactly(size.widthPixels), exactly(size.heightPixels))
    view.layout(0, 0, size.widthPixels, size.heightPixels)
    return view
  }

  private fun exactly(pixels: Int) =
    View.MeasureSpec.makeMeasureSpec(pixels, View.MeasureSpec.EXACTLY)
}

/** Two SIMs, one message at the radio, three that wait. */
private fun TestPhone.work() {
  shadowOf(app.service<PowerManager>()).setIgnoringBatteryOptimizations("smsgate.app", true)
  insert(card(0, 1, "Play"), card(1, 2, "Orange"))
  phone.settings.setDailyCap(0, 200)
  (1L..4L).forEach { server.offer(it) }
  pair()
  await { it.awaiting == 1 && it.leased == 3 }
}

private fun main(tab: MainActivity.Tab): Activity =
  Robolectric.buildActivity(MainActivity::class.java).setup().get().apply { open(tab) }

private fun pair(link: String?): Activity {
  val intent = Intent(Intent.ACTION_VIEW, link?.let(Uri::parse))
  return Robolectric.buildActivity(PairActivity::class.java, intent).setup().get()
}
