package smsgate.cli

import smsgate.core.Agent
import smsgate.core.JdbcStore
import smsgate.core.Journal
import smsgate.core.Runner
import smsgate.core.Step
import smsgate.core.StepKind
import smsgate.core.StopReason
import smsgate.core.WakeUp
import java.io.File
import java.time.ZoneId
import java.time.format.DateTimeFormatter

/** Fetches, sends and reports, until interrupted. */
class RunCommand(private val options: Options) {
  private val file = options.journal
  private val speed = options.number("--speed", 0.01..10_000.0) ?: 1.0
  private val maxSeconds = options.number("--max-seconds", 0.0..1e6)
  private val death = options["--die-after"]?.let(Death::read)
  private val clock = LaptopClock(speed)
  private val sim = PretendedSim(
    clock,
    options["--outbox"]?.let(::File),
    options.number("--fail-rate", 0.0..1.0) ?: 0.0,
    options["--blocked"],
    ::say,
  )

  fun run(): Int {
    options.noPositionals()
    return onlyOne(file) {
      val opener = JdbcStore.Opener()
      openJournal(file, clock, death?.watch(opener) ?: opener).use(::runAgent)
    }
  }

  private fun runAgent(journal: Journal): Int {
    journal.setAsideAs?.let { System.err.println("the journal was set aside as $it") }
    val agent = Agent(
      journal,
      // An unpaired phone never gets as far as a request.
      httpTransport(journal.baseUrl ?: "https://unpaired.invalid", journal.pin, clock),
      sim,
      clock,
      Laptop(),
      checkpoint = { death?.passed(it.name.lowercase()) },
    )
    val runner = Runner(agent, clock, WakeUp(), "--no-long-poll" !in options, ::show)
    val untilIdle = "--until-idle" in options
    val last = runner.run(untilIdle, maxSeconds?.let { (it * 1000 * speed).toLong() })
    return when {
      last.kind == StepKind.STOPPED -> stopped(last.stopReason)
      untilIdle && !agent.isSettled -> FAILED
      else -> OK
    }
  }

  private fun stopped(reason: StopReason?): Int {
    val (code, why) = when (reason) {
      StopReason.NOT_PAIRED -> MUST_PAIR to "this phone is not paired: use `pair`"
      StopReason.UNAUTHORIZED ->
        MUST_PAIR to "the server no longer knows this phone: use `pair` with a new code"
      StopReason.JOURNAL_CORRUPT ->
        JOURNAL_SET_ASIDE to "the journal was corrupt and is set aside; what the phone held is " +
          "shown as uncertain on the server. Delete $file, then `pair` with a new code"
      StopReason.JOURNAL_COPIED ->
        JOURNAL_SET_ASIDE to "the journal is a copy and is set aside: the original may have sent " +
          "what it holds. Delete $file, then `pair` with a new code"
      null -> FAILED to "stopped"
    }
    System.err.println("stopped: $why")
    return code
  }

  private fun show(step: Step) {
    if (step.kind in SILENT || step.isDull) return
    val what = step.kind.name.lowercase().replace('_', ' ')
    val details = step.details.joinToString().ifEmpty { null }
    val rawMessage = step.rawMessage.ifEmpty { null }?.let { "($it)" }
    say(listOfNotNull(details?.let { "$what: $it" } ?: what, rawMessage).joinToString(" "))
  }

  private fun say(line: String) = println("${TIME.format(clock.wall())} $line")

  companion object {
    private val TIME = DateTimeFormatter.ofPattern("HH:mm:ss").withZone(ZoneId.systemDefault())
    private val SILENT = setOf(StepKind.IDLE, StepKind.STOPPED, StepKind.READY, StepKind.QUIET)
    val OPTIONS = mapOf(
      "--journal" to true,
      "--outbox" to true,
      "--speed" to true,
      "--until-idle" to false,
      "--max-seconds" to true,
      "--no-long-poll" to false,
      "--fail-rate" to true,
      "--blocked" to true,
      "--die-after" to true,
    )
  }
}
