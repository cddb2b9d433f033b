package smsgate.app.service

import android.Manifest.permission
import android.app.AlarmManager
import android.app.NotificationManager
import android.app.job.JobScheduler
import android.content.Context
import android.content.Intent
import android.content.pm.ServiceInfo
import org.junit.After
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.android.controller.ServiceController
import org.robolectric.shadows.ShadowLooper
import smsgate.app.OwnerSettings
import smsgate.app.Pdus
import smsgate.app.StubServer
import smsgate.app.TestPhone
import smsgate.app.log.LogKind
import smsgate.app.service
import smsgate.core.StopReason
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue

@RunWith(RobolectricTestRunner::class)
class ServiceTest {
  @get:Rule val test = TestPhone()
  private val startedService: Intent? get() = shadowOf(test.app).nextStartedService

  private val services = ArrayList<ServiceController<AgentService>>()

  private fun service() = Robolectric.buildService(AgentService::class.java, Intent())
    .create().startCommand(0, 1).also(services::add)

  @After
  fun endServices() = services.forEach { it.destroy() }

  @Test
  fun `a boot starts the service of a paired phone`() {
    test.pair()
    StartReceiver().onReceive(test.app, Intent(Intent.ACTION_BOOT_COMPLETED))
    assertEquals(AgentService::class.java.name, startedService?.component?.className)
  }

  @Test
  fun `an update starts it too, and nothing else does`() {
    test.pair()
    StartReceiver().onReceive(test.app, Intent("something.else"))
    assertNull(startedService)
    StartReceiver().onReceive(test.app, Intent(Intent.ACTION_MY_PACKAGE_REPLACED))
    assertNotNull(startedService)
  }

  @Test
  fun `a phone that works for nobody does not run`() {
    StartReceiver().onReceive(test.app, Intent(Intent.ACTION_BOOT_COMPLETED))
    assertNull(startedService)
    assertNull(test.app.service<JobScheduler>().getPendingJob(Watchdogs.JOB_ID))
  }

  @Test
  fun `the manifest's receivers hear of a boot and of an update`() {
    test.pair()
    for (action in listOf(Intent.ACTION_BOOT_COMPLETED, Intent.ACTION_MY_PACKAGE_REPLACED)) {
      val intent = Intent(action).setPackage(test.app.packageName)
      val found = test.app.packageManager.queryBroadcastReceivers(intent, 0)
      assertEquals(listOf(StartReceiver::class.java.name), found.map { it.activityInfo.name })
    }
  }

  @Test
  fun `it is in the foreground, as specialUse, and says what it does`() {
    test.pair()
    val service = service().get()
    val shadow = shadowOf(service)
    assertEquals(Notifications.ONGOING, shadow.lastForegroundNotificationId)
    assertEquals(
      ServiceInfo.FOREGROUND_SERVICE_TYPE_SPECIAL_USE,
      service.foregroundServiceType,
    )
    assertEquals("At work", shadowOf(shadow.lastForegroundNotification).contentTitle)
  }

  @Test
  fun `where Android refuses the foreground the app lives on`() {
    test.pair()
    val controller = Robolectric.buildService(AgentService::class.java, Intent())
    shadowOf(controller.get()).setThrowInStartForeground(IllegalStateException("not allowed"))
    services += controller.create().startCommand(0, 1)
    assertTrue(shadowOf(controller.get()).isStoppedBySelf)
    assertTrue(test.phone.log.last(20).any { it.kind == LogKind.START_REFUSED })
  }

  @Test
  fun `two watchdogs look after it`() {
    test.pair()
    Starter.ensureRunning(test.app)
    val job = test.app.service<JobScheduler>().getPendingJob(Watchdogs.JOB_ID)
    assertNotNull(job)
    assertTrue(job.isPeriodic && job.isPersisted)
    val alarm = shadowOf(test.app.service<AlarmManager>()).peekNextScheduledAlarm()
    assertNotNull(alarm)
    assertTrue(alarm.isAllowWhileIdle)
    assertEquals(AlarmManager.ELAPSED_REALTIME_WAKEUP, alarm.getType())
  }

  @Test
  fun `the processor is kept awake only while there is something to send`() {
    test.pair()
    test.await { it.wakeAtMs != null }
    assertFalse(test.phone.wakeLocks.isHeld)
    test.server.offer(7)
    test.clock.advance(60)
    test.await { it.awaiting == 1 }
    assertTrue(test.phone.wakeLocks.isHeld)
  }

  @Test
  fun `a pause sends nothing and goes on when it is over`() {
    test.pair()
    val service = service()
    AgentService.pause(test.app, true)
    test.server.offer(7)
    test.clock.advance(60)
    test.phone.mailbox.put("+48601234567", "still heard", 0, test.clock.wall(), null)
    test.phone.engine.start()
    test.server.awaitEvent("received")
    assertNull(test.radio().lastSentTextMessageParams)
    service.get().onStartCommand(Intent(AgentService.RESUME), 0, 2)
    test.clock.advance(60)
    test.await { it.awaiting == 1 }
    assertNotNull(test.radio().lastSentTextMessageParams)
  }

  @Test
  fun `sync now does not wait for the back-off`() {
    test.pair()
    test.await { it.wakeAtMs != null }
    test.server.isReachable = false
    test.clock.advance(1000)
    awaitLog(LogKind.SYNC_FAILED)
    test.clock.advance(1)
    test.server.isReachable = true
    test.server.awaitSync {
      test.phone.engine.syncNow()
      test.clock.advance(2) // a second must lie between two calls; the back-off is five
    }
  }

  private fun awaitLog(kind: LogKind) {
    val deadline = System.nanoTime() + 30_000_000_000
    while (test.phone.log.last(1).single().kind != kind) {
      assertTrue(System.nanoTime() < deadline, "never: $kind")
      Thread.yield()
    }
  }

  @Test
  fun `a SIM that has its day's parts asks for no more`() {
    test.phone.settings.setDailyCap(0, 1)
    test.pair()
    test.server.offer(7)
    test.clock.advance(60)
    test.await { it.awaiting == 1 }
    test.server.offer(8)
    test.clock.advance(60)
    test.server.awaitNoClaim()
    assertEquals(mapOf(0 to 1), test.phone.engine.snapshot.today)
    assertFalse(test.server.isEmpty)
  }

  @Test
  fun `a limit of nothing a day is no lack of a limit`() {
    val caps = listOf(null, 0, 5).map {
      test.phone.settings.setDailyCap(0, it)
      test.phone.settings.dailyCap(0)
    }
    assertEquals(listOf(null, 0, 5), caps)
  }

  @Test
  fun `settings of version 0,1,0 keep their meaning`() {
    test.app.getSharedPreferences("owner", Context.MODE_PRIVATE).edit()
      .putInt("cap_0", 0).putInt("cap_1", -1).putInt("cap_2", 40).putInt("default_slot", 1).commit()
    val settings = OwnerSettings(test.app)
    assertEquals(listOf(null, 0, 40), (0..2).map(settings::dailyCap))
    assertEquals(1, settings.defaultSlot)
  }

  @Test
  fun `a card that was changed asks for nothing until its owner confirms it`() {
    test.pair()
    test.insert(test.card(slot = 0, subId = 9, carrier = "Orange"))
    test.clock.advance(60)
    test.server.awaitNoClaim()
    test.server.offer(7)
    test.phone.sims.learn()
    test.await { it.awaiting == 1 }
    assertNotNull(test.radio(subId = 9).lastSentTextMessageParams)
  }

  @Test
  fun `a phone whose permission was taken asks for nothing`() {
    test.pair()
    shadowOf(test.app).denyPermissions(permission.SEND_SMS)
    test.clock.advance(60)
    test.server.awaitNoClaim()
  }

  @Test
  fun `a phone that the server no longer knows stops and calls its owner`() {
    test.pair()
    val service = service().get()
    test.server.isRevoked = true
    test.clock.advance(1000)
    test.await { it.stopReason == StopReason.UNAUTHORIZED }
    ShadowLooper.idleMainLooper()
    assertTrue(shadowOf(service).isStoppedBySelf)
    assertFalse(test.phone.settings.isAtWork)
    val notices = shadowOf(test.app.service<NotificationManager>())
    assertNotNull(notices.getNotification(Notifications.ALERT))
  }

  @Test
  fun `a whole run, from the server to the radio and back`() {
    test.pair()
    service()
    test.server.offer(7, text = "Zażółć gęślą jaźń 🙂")
    test.clock.advance(60)
    test.await { it.awaiting == 1 }
    val sent = test.radio().lastSentTextMessageParams
    assertEquals("Zażółć gęślą jaźń 🙂", sent.text)
    test.clock.advance(60)
    test.server.awaitEvent("started", 7)

    test.fire(sent.sentIntent)
    test.fire(sent.deliveryIntent, fill = deliveryReport())
    test.clock.advance(60)
    test.server.awaitEvent("part_sent", 7)
    test.server.awaitEvent("part_delivered", 7)
    val types = test.server.events.map { it.getString("type") }
    assertEquals(listOf("started", "part_sent", "part_delivered"), types)
    assertEquals(setOf(StubServer.TOKEN), test.server.tokens.filterNotNull().toSet())
  }

  private fun deliveryReport() =
    Intent().putExtra("pdu", Pdus.deliveryReport(0)).putExtra("format", "3gpp")

  @Test
  fun `a process that died between the journal and the answer never sends again`() {
    test.pair()
    test.server.offer(7)
    test.clock.advance(60)
    test.await { it.awaiting == 1 }
    test.restart()
    test.phone.engine.start()
    test.server.awaitEvent("unknown", 7)
    assertEquals(0, test.phone.engine.snapshot.leased)
  }

  @Test
  fun `pairing outlives the process`() {
    test.pair()
    test.restart()
    test.phone.engine.start()
    assertEquals("sms.example.com", test.await { it.host != null }.host)
    assertNull(test.phone.engine.snapshot.stopReason)
  }
}
