package smsgate.cli

import smsgate.core.Protocol

/** Pretends that an SMS came in. */
class ReceiveCommand(options: Options) {
  private val file = options.journal
  private val arguments = options.positionals("FROM", "TEXT")
  private val sim = options.number("--sim", 0.0..7.0)?.toInt() ?: 0

  fun run(): Int {
    val (sender, text) = arguments
    if (sender.length !in 1..MAX_SENDER || text.length > MAX_TEXT) {
      throw UsageException("FROM takes 1 to $MAX_SENDER characters, TEXT at most $MAX_TEXT")
    }
    existingJournal(file).use { it.receive(sender, text, sim) }
    println("received; it is reported at the next call")
    return OK
  }

  companion object {
    const val MAX_SENDER = Protocol.MAX_SENDER_CHARACTERS
    const val MAX_TEXT = 10_000
    val OPTIONS = mapOf("--journal" to true, "--sim" to true)
  }
}
