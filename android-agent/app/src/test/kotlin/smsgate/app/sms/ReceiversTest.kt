package smsgate.app.sms

import android.content.Intent
import android.provider.Telephony
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import smsgate.app.Pdus
import smsgate.app.TestPhone
import smsgate.app.store.AndroidStore
import smsgate.core.Journal
import smsgate.core.Store
import smsgate.core.StoreOpener
import java.io.File
import java.time.Instant
import java.time.ZoneOffset
import kotlin.concurrent.thread
import kotlin.test.assertEquals
import kotlin.test.assertTrue

@RunWith(RobolectricTestRunner::class)
class ReceiversTest {
  @get:Rule val test = TestPhone()

  private fun inbound(vararg texts: String) = Intent(Telephony.Sms.Intents.SMS_RECEIVED_ACTION)
    .putExtra("pdus", Array<Any>(texts.size) { Pdus.inbound(texts[it]) })
    .putExtra("format", "3gpp")
    .putExtra("android.telephony.extra.SLOT_INDEX", 0)

  @Test
  fun `an inbound SMS reaches the server whole, with its SIM`() {
    test.pair()
    InboundReceiver().onReceive(test.app, inbound("Zażółć ", "gęślą 🙂"))
    val event = test.server.awaitEvent("received")
    assertEquals("+48601234567", event.getString("sender"))
    assertEquals("Zażółć gęślą 🙂", event.getString("text"))
    assertEquals(0, event.getInt("sim"))
  }

  @Test
  fun `the server hears when an SMS was sent and when it came, also of one that waited`() {
    test.pair()
    val sent = Instant.parse("2026-03-20T10:15:00Z")
    val arrived = test.clock.wall()
    test.phone.engine.end()
    Mailbox(File(test.app.filesDir, "mailbox.db")).use {
      it.put("+48601234567", "late", 0, arrived, sent)
    }
    test.clock.advance(3600)
    test.restart()
    test.phone.engine.start()
    val event = test.server.awaitEvent("received")
    assertEquals(arrived.toEpochMilli(), Instant.parse(event.getString("wall_time")).toEpochMilli())
    assertEquals("2026-03-20T10:15:00Z", event.getString("sent_time"))
  }

  @Test
  fun `the network's time comes with the SMS`() {
    test.pair()
    InboundReceiver().onReceive(test.app, inbound("Hi"))
    val sent = Instant.parse(test.server.awaitEvent("received").getString("sent_time"))
    assertEquals(2026, sent.atZone(ZoneOffset.UTC).year)
  }

  @Test
  fun `an inbound SMS survives the death of the process`() {
    test.pair()
    test.phone.engine.end()
    Mailbox(File(test.app.filesDir, "mailbox.db")).use {
      it.put("+48601234567", "STOP", 0, NOW, null)
    }
    test.restart()
    test.phone.engine.start()
    assertEquals("STOP", test.server.awaitEvent("received").getString("text"))
  }

  @Test
  fun `a receiver does not wait while pending events are written into the journal`() {
    val mailbox = Mailbox(File(test.app.filesDir, "mailbox.test"))
    mailbox.use {
      it.put("+48601234567", "one", 0, NOW, null)
      var hasArrived: Boolean? = null
      class Watched(private val store: Store) : Store by store {
        /** Where the journal writes an event. */
        override fun execute(sql: String, vararg values: Any?): Int {
          if (hasArrived == null && "INSERT OR IGNORE INTO event" in sql) {
            val receiver = thread { it.put("+48601234567", "two", 0, NOW, null) }
            receiver.join(5_000)
            hasArrived = !receiver.isAlive
          }
          return store.execute(sql, *values)
        }
      }
      val file = File(test.app.filesDir, "journal.test")
      val opener = StoreOpener { journal -> Watched(AndroidStore.open(journal)) }
      Journal(file, opener, test.clock).use { journal ->
        assertEquals(2, it.drainInto(journal))
      }
      assertEquals(true, hasArrived)
    }
  }

  @Test
  fun `an SMS that is moved again, since the process died in between, is one event`() {
    val (file, asItWas) = listOf("mailbox", "before").map { File(test.app.filesDir, "$it.test") }
    Mailbox(file).use { it.put("+48601234567", "STOP", 0, NOW, null) }
    file.copyTo(asItWas)
    journal().use { journal ->
      Mailbox(file).use { assertEquals(1, it.drainInto(journal)) }
    }
    journal().use { journal ->
      Mailbox(asItWas).use { assertEquals(1, it.drainInto(journal)) }
      assertEquals(1, journal.unreported())
    }
  }

  @Test
  fun `pending events of an earlier version of the app are not lost`() {
    val file = File(test.app.filesDir, "mailbox.test")
    AndroidStore.open(file).use { store ->
      store.execute(
        """CREATE TABLE letter (id INTEGER PRIMARY KEY AUTOINCREMENT, install TEXT,
          message_id INTEGER, attempt INTEGER, part INTEGER, parts INTEGER, type TEXT, code TEXT,
          sender TEXT, text TEXT, sim INTEGER)""",
      )
      store.execute("INSERT INTO letter (sender, text) VALUES (?, ?)", "+48601234567", "STOP")
    }
    journal().use { journal ->
      Mailbox(file).use { it.drainInto(journal) }
      assertTrue("STOP" in journal.outbox(1).single())
    }
  }

  private companion object {
    val NOW: Instant = Instant.parse("2026-01-01T12:00:00Z")
  }

  private fun journal() = Journal(File(test.app.filesDir, "journal.test"), AndroidStore, test.clock)

  @Test
  fun `a phone that works for nobody passes nothing on`() {
    InboundReceiver().onReceive(test.app, inbound("private"))
    test.pair()
    InboundReceiver().onReceive(test.app, inbound("for the server"))
    assertEquals("for the server", test.server.awaitEvent("received").getString("text"))
    assertEquals(1, test.server.events.size)
  }

  @Test
  fun `the radio's and the network's words reach the server`() {
    test.pair()
    test.server.offer(7)
    test.phone.engine.start()
    test.clock.advance(60)
    test.await { it.awaiting == 1 }
    val sent = test.radio().lastSentTextMessageParams
    test.fire(sent.sentIntent)
    test.fire(
      sent.deliveryIntent,
      fill = Intent().putExtra("pdu", Pdus.deliveryReport(0)).putExtra("format", "3gpp"),
    )
    test.await { it.awaiting == 0 }
    test.clock.advance(60)
    assertEquals(1, test.server.awaitEvent("part_sent", 7).getInt("part"))
    test.server.awaitEvent("part_delivered", 7)
  }

  @Test
  fun `a report of a former install is let go`() {
    test.pair()
    test.server.offer(7)
    test.phone.engine.start()
    test.clock.advance(60)
    test.await { it.awaiting == 1 }
    val sent = test.radio().lastSentTextMessageParams
    test.phone.engine.unpair()
    test.await { it.baseUrl == null }
    test.pair()
    test.fire(sent.sentIntent)
    InboundReceiver().onReceive(test.app, inbound("later"))
    test.server.awaitEvent("received")
    assertTrue(test.server.events.none { it.getString("type") == "part_sent" })
  }
}
