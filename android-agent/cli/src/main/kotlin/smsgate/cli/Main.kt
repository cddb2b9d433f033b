package smsgate.cli

import smsgate.core.JournalCopiedException
import smsgate.core.PairingException
import smsgate.core.StoreCorruptException
import smsgate.core.StoreException
import java.io.IOException
import kotlin.system.exitProcess

const val OK = 0
const val FAILED = 1
const val WRONG_ARGUMENTS = 2
const val MUST_PAIR = 3
const val JOURNAL_SET_ASIDE = 4

/** `java -jar phone.jar`: a whole phone with a pretended SIM. */
fun main(arguments: Array<String>) {
  exitProcess(run(arguments.toList()))
}

/** Runs one command; returns the exit code. */
fun run(arguments: List<String>): Int {
  val rest = arguments.drop(1)
  try {
    return when (arguments.firstOrNull()) {
      "pair" -> PairCommand(Options(rest, PairCommand.OPTIONS)).run()
      "run" -> RunCommand(Options(rest, RunCommand.OPTIONS)).run()
      "status" -> StatusCommand(Options(rest, StatusCommand.OPTIONS)).run()
      "receive" -> ReceiveCommand(Options(rest, ReceiveCommand.OPTIONS)).run()
      else -> throw UsageException("say `pair`, `run`, `status` or `receive`")
    }
  } catch (error: UsageException) {
    System.err.println("phone: ${error.message}\n\n$USAGE")
    return WRONG_ARGUMENTS
  } catch (error: PairingException) {
    return failed(error)
  } catch (error: StoreCorruptException) {
    return wouldSetAside(error)
  } catch (error: JournalCopiedException) {
    return wouldSetAside(error)
  } catch (error: StoreException) {
    return failed(error)
  } catch (error: IOException) {
    return failed(error)
  }
}

private fun failed(error: Exception): Int {
  System.err.println("phone: ${error.message}")
  return FAILED
}

private fun wouldSetAside(error: StoreException): Int {
  System.err.println("phone: ${error.message}: `run` will set the journal aside")
  return JOURNAL_SET_ASIDE
}

private val USAGE = """
  phone pair LINK           pair with a server, by the link that it showed
    --journal FILE          the phone's memory (phone.sqlite3); one file is one phone
    --name NAME             what the owner sees
  phone run                 fetch, send and report, until interrupted
    --journal FILE
    --outbox FILE           append every SMS to this file, as JSON lines
    --speed N               let the phone's clock run N times as fast
    --until-idle            end when all is sent, reported and acknowledged
    --max-seconds S         end after that many real seconds
    --no-long-poll          only poll, as often as the server says
    --fail-rate P           the pretended SIM cannot send (0 to 1)
    --blocked CODE          why nothing can be sent: no_service, radio_off…
    --die-after POINT[:N]   kill -9, at the N-th time, after one of
                            claim, reply, accept, journal, radio, result, statement
  phone status              show what the phone holds and has to report
    --journal FILE
    --json                  for programs
  phone receive FROM TEXT   pretend that an SMS came in; it is reported at the next call
    --journal FILE
    --sim SLOT              the SIM that it came to (0)
  exit codes: 0 done; 1 it did not work; 2 wrong arguments; 3 the phone must be paired (again);
  4 the journal was corrupt or a copy, and is set aside
""".trimIndent()
