package smsgate.cli

import smsgate.core.Invitation
import smsgate.core.pair

/** From the owner's link to a token in the journal. */
class PairCommand(options: Options) {
  private val invitation = Invitation.read(options.positional("LINK"))
  private val file = options.journal
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
    val OPTIONS = mapOf("--journal" to true, "--name" to true)
  }
}
