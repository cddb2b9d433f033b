package smsgate.app

import android.content.Context
import smsgate.app.log.EventLog
import smsgate.app.log.LogKind
import smsgate.app.service.Engine
import smsgate.app.service.Notifications
import smsgate.app.service.ServerLink
import smsgate.app.service.WakeLocks
import smsgate.app.sms.AndroidSmsSender
import smsgate.app.sms.Mailbox
import smsgate.app.sms.Sims
import smsgate.app.store.AndroidStore
import smsgate.app.store.KeystoreVault
import smsgate.core.Clock
import smsgate.core.HttpTransport
import smsgate.core.Journal
import smsgate.core.StoreException
import smsgate.core.TokenVault
import smsgate.core.Transport
import java.io.File

/** Everything that the shell holds. What a test replaces stands in the constructor. */
class Phone(
  val context: Context,
  val clock: Clock = AndroidClock(context),
  vault: TokenVault = KeystoreVault(),
  connect: (baseUrl: String, pin: String?) -> Transport = { baseUrl, pin ->
    HttpTransport(baseUrl, pin, clock, "smsgate-app/${versionOf(context)}")
  },
) {
  val settings = OwnerSettings(context)
  val log = EventLog(File(context.filesDir, "log"), clock)
  val mailbox = Mailbox(File(context.filesDir, "mailbox.db"))
  val sims = Sims(context, settings)
  val device = AndroidDevice(context, sims)
  val link = ServerLink(clock, connect)
  val notifications = Notifications(context)
  val wakeLocks = WakeLocks(context, clock)

  val engine = Engine(
    clock = clock,
    openJournal = {
      Journal(File(context.filesDir, "journal.db"), AndroidStore, clock, vault = vault)
    },
    link = link,
    senderFor = { journal -> AndroidSmsSender(context, sims, journal::installId) },
    device = device,
    owner = settings,
    mailbox = mailbox,
    log = log,
    listeners = listOf(wakeLocks, notifications),
  )

  /** Puts what a receiver was told into the mailbox, and has the engine see to it. A full disk must not end the app. */
  fun enqueue(write: Mailbox.() -> Unit) {
    try {
      mailbox.write()
    } catch (error: StoreException) {
      log.add(LogKind.JOURNAL_FAILED, listOf(error.detail), error.message.orEmpty())
    }
    engine.start()
  }
}

fun versionOf(context: Context): String =
  context.packageManager.getPackageInfo(context.packageName, 0).versionName.orEmpty()
