package smsgate.cli

import com.grack.nanojson.JsonParser
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.ValueSource
import smsgate.core.FakeServer
import smsgate.core.serving
import java.io.ByteArrayOutputStream
import java.io.File
import java.io.PrintStream
import java.time.Instant
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** The command line, as its user meets it. */
class ProgramTest {
  @TempDir lateinit var folder: File
  private val server = FakeServer()
  private val journal get() = File(folder, "phone.sqlite3")
  private val outbox get() = File(folder, "outbox.jsonl")

  /** Exit code, and what it said and complained of. */
  private fun phone(command: String, vararg arguments: String) =
    capture(listOf(command, "--journal", journal.path) + arguments)

  private fun capture(arguments: List<String>): Pair<Int, String> {
    val said = ByteArrayOutputStream()
    val stream = PrintStream(said, true)
    val (out, err) = System.out to System.err
    System.setOut(stream)
    System.setErr(stream)
    try {
      return run(arguments) to said.toString()
    } finally {
      System.setOut(out)
      System.setErr(err)
    }
  }

  private fun runPhone(vararg arguments: String) = phone(
    "run", "--outbox", outbox.path, "--speed", "120", "--until-idle", "--max-seconds", "60",
    *arguments,
  )

  @Test
  fun `it pairs, sends and reports`() = serving(server).use { http ->
    repeat(2) { server.add("zażółć $it") }
    val (code, said) = phone("pair", "${http.url}/pair/#${FakeServer.CODE}", "--name", "kitchen")
    assertEquals(OK, code, said)
    assertTrue(said.startsWith("pairing with ${http.url.removePrefix("http://")}\n"))
    val version = server.pairings.single().getString("app_version")
    assertTrue(Regex("\\d+\\.\\d+\\.\\d+").matches(version), version)
    assertEquals("kitchen", server.pairings.single().getString("name"))
    assertEquals(OK, runPhone().first)
    val texts = outbox.readLines().map { JsonParser.`object`().from(it).getString("text") }
    assertEquals(listOf("zażółć 0", "zażółć 1"), texts)
    assertEquals(listOf("started", "part_sent", "part_delivered"), server.types(1))
  }

  @Test
  fun `a blocked SIM claims nothing`() = serving(server).use { http ->
    server.add()
    phone("pair", "${http.url}/pair/#${FakeServer.CODE}")
    assertEquals(OK, runPhone("--blocked", "no_service").first)
    assertTrue(!server.isEmpty)
    assertTrue(!outbox.exists())
  }

  @Test
  fun `status tells what there is, and nothing secret`() = serving(server).use { http ->
    repeat(2) { server.add("a private text") }
    phone("pair", "${http.url}/pair/#${FakeServer.CODE}")
    phone("run", "--max-seconds", "0") // one sync
    phone("receive", "+48500999888", "a private answer")
    val (code, said) = phone("status", "--json")
    assertEquals(OK, code)
    val facts = JsonParser.`object`().from(said)
    assertEquals(http.url, facts.getString("server"))
    assertEquals(true, facts.getBoolean("paired"))
    val counts = listOf("held", "started", "unknown", "unreported").map(facts::getInt)
    assertEquals(listOf(2, 0, 0, 1), counts)
    assertTrue(Instant.parse(facts.getString("last_sync")) < Instant.now().plusSeconds(3_600))
    for (secret in listOf(FakeServer.TOKEN, "private", "+48", "500999888")) {
      assertTrue(secret !in said + phone("status").second, secret)
    }
  }

  @Test
  fun `an SMS that came in is reported`() = serving(server).use { http ->
    phone("pair", "${http.url}/pair/#${FakeServer.CODE}")
    assertEquals(OK, phone("receive", "+48500000009", "Zażółć", "--sim", "1").first)
    assertEquals(OK, runPhone().first)
    val event = server.events.values.single()
    assertEquals("Zażółć" to 1, event.getString("text") to event.getInt("sim"))
  }

  @ParameterizedTest
  @ValueSource(strings = ["status", "receive +48500000009 hello"])
  fun `without a journal there is nothing to show`(line: String) {
    val (code, said) = capture(line.split(" ") + listOf("--journal", journal.path))
    assertEquals(FAILED, code)
    assertTrue("use `pair` first" in said, said)
    assertTrue(!journal.exists())
  }

  @Test
  fun `a look at a corrupt journal leaves it where it is`() {
    journal.writeText("nonsense".repeat(1000))
    val (code, said) = phone("status")
    assertEquals(JOURNAL_SET_ASIDE, code)
    assertTrue("will set the journal aside" in said, said)
    assertTrue(journal.readText().startsWith("nonsense"))
  }

  @Test
  fun `the token is for its owner's eyes`() = serving(server).use { http ->
    phone("pair", "${http.url}/pair/#${FakeServer.CODE}")
    val mode = java.nio.file.Files.getPosixFilePermissions(journal.toPath())
    assertEquals(setOf("OWNER_READ", "OWNER_WRITE"), mode.map { it.name }.toSet())
  }

  @Test
  fun `a wrong code says so`() = serving(server).use { http ->
    val (code, said) = phone("pair", "${http.url}/pair/#WRONG")
    assertEquals(FAILED, code)
    assertTrue("ask for a new one" in said, said)
  }

  @Test
  fun `cleartext to another machine is refused in words`() {
    val (code, said) = phone("pair", "http://192.168.1.2:8000/pair/#CODE")
    assertEquals(FAILED, code)
    assertTrue("not encrypted" in said, said)
  }

  @Test
  fun `an unpaired phone must be paired`() {
    val (code, said) = runPhone()
    assertEquals(MUST_PAIR, code)
    assertTrue("use `pair`" in said)
  }

  @Test
  fun `a phone whose rights were taken stops`() = serving(server).use { http ->
    phone("pair", "${http.url}/pair/#${FakeServer.CODE}")
    server.token = "another"
    assertEquals(MUST_PAIR, runPhone().first)
    assertEquals(MUST_PAIR, runPhone().first)
  }

  @Test
  fun `a corrupt journal is told in words`() {
    journal.writeText("nonsense".repeat(1000))
    val (code, said) = runPhone()
    assertEquals(JOURNAL_SET_ASIDE, code)
    assertTrue("aside-1" in said, said)
  }

  @Test
  fun `a copied journal is told in words`() = serving(server).use { http ->
    phone("pair", "${http.url}/pair/#${FakeServer.CODE}")
    val former = File(folder, "former").also { journal.renameTo(it) }
    former.copyTo(journal)
    val (code, said) = runPhone()
    assertEquals(JOURNAL_SET_ASIDE, code, said)
    assertTrue("copy" in said, said)
  }

  @Test
  fun `one journal is one running phone`() = onlyOne(journal) {
    val code = ProcessBuilder(
      File(System.getProperty("java.home"), "bin/java").path, "-cp",
      System.getProperty("java.class.path"), "smsgate.cli.MainKt", "run", "--journal", journal.path,
    ).start().waitFor()
    assertEquals(FAILED, code)
  }

  @ParameterizedTest
  @ValueSource(
    strings = [
      "", "dance", "run --nonsense", "run --speed", "run --speed fast", "run --speed 0", "run word",
      "pair", "run --die-after lunch", "run --die-after claim:0", "pair --name", "status now",
      "receive +48500000001", "receive +48500000001 hello --sim x",
    ],
  )
  fun `wrong arguments are told in words`(line: String) {
    val (code, said) = capture(line.split(" ").filter { it.isNotEmpty() })
    assertEquals(WRONG_ARGUMENTS, code)
    assertTrue("phone run" in said, "it shows what there is")
  }
}
