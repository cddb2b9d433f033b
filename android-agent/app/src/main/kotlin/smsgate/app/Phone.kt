package smsgate.app

import android.content.Context
import smsgate.app.log.EventLog
import smsgate.app.service.Awake
import smsgate.app.service.Engine
import smsgate.app.service.Notices
import smsgate.app.service.ServerLink
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
  val notices = Notices(context)
  val awake = Awake(context, clock)
  private val sender = AndroidSmsSender(context, sims)

  val engine = Engine(
    clock = clock,
    openJournal = {
      Journal(File(context.filesDir, "journal.db"), AndroidStore, clock, vault = vault)
    },
    link = link,
    sender = sender,
    device = device,
    owner = settings,
    mailbox = mailbox,
    log = log,
    listeners = listOf(awake, notices),
  )

  /** Keeps what a receiver has heard, and has the engine see to it. A full disk must not end the app. */
  fun hear(write: Mailbox.() -> Unit) {
    try {
      mailbox.write()
    } catch (error: StoreException) {
      log.add("JOURNAL_FAILED", listOf(error.detail), error.message.orEmpty())
    }
    engine.start()
  }
}

fun versionOf(context: Context): String =
  context.packageManager.getPackageInfo(context.packageName, 0).versionName.orEmpty()
