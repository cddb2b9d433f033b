package smsgate.cli

import java.io.File
import smsgate.core.Invitation
import smsgate.core.pair

/** From the owner's link to a token in the journal. */
class PairCommand(options: Options) {
  private val invitation = Invitation.read(options.word("link"))
  private val file = File(options["--journal"] ?: DEFAULT_JOURNAL)
  private val device = options["--name"]?.let(::Laptop) ?: Laptop()

  fun run(): Int = onlyOne(file) {
    println("pairing with ${invitation.host}")
    val clock = LaptopClock()
    openJournal(file, clock).use { journal ->
      val transport = httpTransport(invitation.baseUrl, invitation.pin, clock)
      val paired = pair(journal, transport, invitation, device)
      println("paired as device ${paired.deviceId} of ${paired.account}; now: run")
    }
    OK
  }

  companion object {
    const val DEFAULT_JOURNAL = "phone.sqlite3"
    val OPTIONS = mapOf("--journal" to true, "--name" to true)
  }
}
