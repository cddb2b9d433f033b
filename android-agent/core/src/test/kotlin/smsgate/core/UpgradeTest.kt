package smsgate.core

import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertTrue

/** A journal of an older version is brought to the newest; one of a newer version is refused. */
class UpgradeTest {
  @TempDir lateinit var folder: File
  private val file get() = File(folder, "phone.sqlite3")
  private val opener = JdbcStore.Opener()

  /** In the middle of its work: see there. */
  @BeforeEach
  fun `a journal of version 1`() = opener.open(file).use { store ->
    val sql = File(System.getProperty("protocol"), "vectors/journal_1.sql").readText()
    sql.replace(Regex("(?m)^--.*\n"), "").split(";").filter { it.isNotBlank() }
      .forEach { store.execute(it) }
  }

  private fun journal(
    file: File = this.file,
    schema: List<String> = Sql.schema,
    opener: StoreOpener = this.opener,
  ) = Journal(file, opener, ManualClock(), schema = schema)

  /** Tables, indexes and columns; the text of a statement may say the same otherwise. */
  private fun tablesOf(file: File): List<List<String>> = opener.open(file).use { store ->
    val names = store.query("SELECT type, name FROM sqlite_master ORDER BY name") {
      listOf(it.text(0), it.text(1))
    }
    val columns = names.flatMap { (_, name) ->
      store.query("PRAGMA table_info($name)") { listOf(name, it.text(1), it.text(2), it.text(3)) }
    }
    names + columns + store.query("PRAGMA user_version") { listOf(it.text(0)) }
  }

  @Test
  fun `an upgraded journal has the tables of a new one`() {
    for (schema in listOf(Sql.schema, Sql.schema + NEXT)) {
      val new = File(folder, "new-${schema.size}.sqlite3")
      journal(schema = schema).close()
      journal(new, schema).close()
      assertEquals(tablesOf(new), tablesOf(file))
    }
  }

  @Test
  fun `a phone goes on with the journal of version 1`() = goesOnWith(Sql.schema)

  @Test
  fun `a phone goes on with it in the next version`() = goesOnWith(Sql.schema + NEXT)

  private fun goesOnWith(schema: List<String>) {
    val server = FakeServer()
    server.token = "token-of-version-1"
    TestPhone(file, server, schema = schema, isPaired = false).use { phone ->
      val states = listOf(AttemptState.LEASED, AttemptState.SENDING, AttemptState.ANSWERED)
      assertEquals(states.associateWith { 1 }, phone.journal.counts())
      assertEquals(listOf(1_600_000L), phone.journal.leased().map { it.startBeforeMs })
      assertEquals(3, phone.journal.unreported())
      phone.run()
      assertEquals(mapOf(AttemptKey(3, 2) to 1), phone.starts, "1 and 2 went out before")
      assertEquals(listOf("part_sent"), server.types(1))
      assertEquals(listOf("started", "unknown"), server.types(2))
      assertEquals(listOf("started", "part_sent", "part_delivered"), server.types(3))
      assertTrue(server.events.values.any { it.getString("text") == "STOP" })
      assertEquals(0, phone.journal.unreported())
    }
  }

  @Test
  fun `it may die after each statement of an upgrade`() {
    val untouched = tablesOf(file)
    val copy = File(folder, "copy.sqlite3")
    var count = 0
    do {
      listOf("", "-wal", "-shm").forEach { File("$copy$it").delete() }
      file.copyTo(copy)
      count++
      val isDone = try {
        journal(copy, Sql.schema + NEXT, DyingOpener(opener, count)).close()
        true
      } catch (_: DiedException) {
        assertEquals(untouched, tablesOf(copy))
        false
      }
      journal(copy, Sql.schema + NEXT).use { assertEquals(1, it.leased().size) }
    } while (!isDone)
    assertTrue(count > 3, "only $count statements")
  }

  @Test
  fun `a step that fails changes nothing`() {
    val before = tablesOf(file)
    val broken = "ALTER TABLE attempt ADD COLUMN of_later TEXT; UPDATE no_such_table SET a = 1"
    assertFailsWith<StoreException> { journal(schema = Sql.schema + broken) }
    assertEquals(before, tablesOf(file))
    journal().use { assertEquals(1, it.leased().size) }
  }

  @Test
  fun `a newer journal is refused and left alone`() {
    journal(schema = Sql.schema + NEXT).close()
    val before = tablesOf(file)
    val error = assertFailsWith<JournalNewerException> { journal() }
    assertTrue("newer version of the phone (journal version" in error.message!!, error.message)
    assertEquals(Detail(TextKey.JOURNAL_NEWER), error.detail)
    assertEquals(before, tablesOf(file))
    assertTrue(folder.list()!!.none { "aside" in it })
  }

  /** Stores that die after so many statements. */
  private class DyingOpener(private val opener: StoreOpener, private var left: Int) : StoreOpener {
    override fun open(file: File): Store {
      val store = opener.open(file)
      return object : Store by store {
        override fun execute(sql: String, vararg values: Any?): Int {
          val changed = store.execute(sql, *values)
          if (--left == 0) throw DiedException()
          return changed
        }
      }
    }
  }

  private companion object {
    /** A version that no phone has yet: a new column, and every row written anew. */
    const val NEXT = """ALTER TABLE attempt ADD COLUMN of_later TEXT;
      UPDATE attempt SET of_later = 'from version ' || 1;
      CREATE INDEX attempt_state ON attempt (state)"""
  }
}
