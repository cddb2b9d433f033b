package smsgate.core

import com.grack.nanojson.JsonObject
import com.grack.nanojson.JsonParser
import java.io.Closeable
import java.io.File
import java.time.Instant
import kotlin.test.assertNull
import kotlin.test.assertTrue
import kotlin.test.fail

/**
 * Holds the agent against one contract vector, turn by turn; the format is described in
 * `protocol/vectors/README.md`.
 */
class Vector(path: File, folder: File) : Closeable {
  private val vector: JsonObject = JsonParser.`object`().from(path.readText())
  private val file = File(folder, "phone.sqlite3")
  private val opener = JdbcStore.Opener()
  private val clock = ManualClock()
  private val names = Names()
  private val world = VectorWorld(clock, names)
  private var fatal: String? = null
  private var stall: Map<*, *> = emptyMap<String, Any>()
  private var made = 0
  private var journal = open()
  private var agent = newAgent()

  /** Another eye on the file. */
  private val witness = opener.open(file)

  fun play() {
    fillJournal(vector.getObject("before"))
    vector.getArray("turns").forEachIndexed { index, turn ->
      try {
        play(turn as JsonObject)
      } catch (error: AssertionError) {
        throw AssertionError("in turn ${index + 1}: ${error.message}", error)
      }
    }
    checkJournal(vector.getObject("after"))
  }

  private fun play(turn: JsonObject) {
    when {
      "run" in turn -> {
        stall = turn["stall"] as Map<*, *>? ?: emptyMap<String, Any>()
        world.expect(turn.getArray("run")) { run(turn.getString("crash_after")) }
      }
      "wait" in turn -> {
        assertTrue(agent.mayWait)
        world.expect(turn.getArray("wait")) { agent.awaitWork() }
      }
      "pair" in turn -> world.expect(turn.getArray("http")) { pair(turn.getString("pair")) }
      "advance" in turn -> clock.advance(toMs(turn["advance"]))
      "restart" in turn -> restart()
      "reboot" in turn -> {
        clock.reboot()
        restart()
      }
      "radio_says" in turn -> turn.getArray("radio_says").mapTo(world.coming, ::readReport)
      "receive" in turn -> receive(turn.getObject("receive"))
      "resume" in turn -> journal.resumeSims()
      "sim" in turn -> world.blockedBy = turn.getString("sim")
      "journal" in turn -> checkJournal(turn.getObject("journal"))
      else -> fail("a turn that nobody understands")
    }
  }

  private fun run(crashAfter: String?) {
    fatal = crashAfter
    try {
      do {
        val step = agent.step()
      } while (step.kind !in RESTS)
      assertNull(crashAfter, "never came to $crashAfter")
    } catch (_: DiedException) {
      fatal = null
    }
  }

  private fun pair(link: String) {
    try {
      pair(journal, world, Invitation.read(link), FakeDevice)
    } catch (_: PairingException) {
      assertNull(journal.token)
    }
  }

  private fun receive(sms: JsonObject) = journal.receive(
    sms.getString("sender"), sms.getString("text"), sms["sim"] as Int?,
    eventId = sms.getString("event_id") ?: newId(),
    sent = sms.getString("sent_time")?.let(Instant::parse),
  )

  private fun readReport(it: Any?): Report {
    val report = it as JsonObject
    return Report(
      messageId = report.getLong("message_id"),
      attempt = report.getInt("attempt"),
      part = report.getInt("part"),
      parts = report.getInt("parts"),
      type = Report.Type.entries.first { type -> type.wire == report.getString("type") },
      code = report.getString("code"),
    )
  }

  // --- the phone ---

  private fun open() = Journal(file, opener, clock, ids = ::newId)

  private fun newId() = "a0000000-0000-4000-8000-%012d".format(++made)

  private fun newAgent() =
    Agent(journal, world, world, clock, FakeDevice, checkpoint = { passed(it.name.lowercase()) })

  private fun passed(point: String) {
    if (point == stall["after"]) {
      clock.advance(toMs(stall["seconds"]))
      stall = emptyMap<String, Any>()
    }
    if (point == fatal) throw DiedException()
  }

  private fun restart() {
    journal.close()
    journal = open()
    agent = newAgent()
  }

  override fun close() {
    journal.close()
    witness.close()
  }

  // --- its journal ---

  private fun fillJournal(before: JsonObject) = witness.transaction {
    for ((key, value) in before.getObject("setting")) witness.execute(Sql["set"], key, value)
    for (table in listOf("attempt", "part", "event", "pace")) {
      for (row in before.getArray(table).orEmpty()) {
        val columns = row as JsonObject
        val marks = columns.keys.joinToString { "?" }
        witness.execute(
          "INSERT INTO $table (${columns.keys.joinToString()}) VALUES ($marks)",
          *columns.values.toTypedArray(),
        )
      }
    }
  }

  private fun checkJournal(expected: JsonObject) {
    val attempts = witness.query(
      "SELECT message_id, attempt, state FROM attempt ORDER BY message_id, attempt",
    ) { mapOf("message_id" to it.long(0), "attempt" to it.long(1), "state" to it.text(2)) }
    val events = witness.query("SELECT body FROM event ORDER BY seq") {
      JsonParser.`object`().from(it.text(0)) as Map<*, *>
    }
    names.check(expected["attempts"], attempts, "journal.attempts")
    names.check(expected["events"], events, "journal.events")
    for ((key, value) in expected.getObject("setting").orEmpty()) {
      val actual = witness.query(Sql["setting"], key) { it.text(0) }.firstOrNull()
      names.check(value, actual, "journal.setting.$key")
    }
  }

  private companion object {
    val RESTS = setOf(StepKind.IDLE, StepKind.STOPPED, StepKind.JOURNAL_FAILED)
  }
}
