package smsgate.app.store

import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import smsgate.app.FakeClock
import smsgate.core.Journal
import smsgate.core.JournalNewerException
import smsgate.core.StoreCorruptException
import smsgate.core.StoreException
import java.io.File
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertTrue

@RunWith(RobolectricTestRunner::class)
class AndroidStoreTest {
  @get:Rule val folder = TemporaryFolder()
  private val file by lazy { File(folder.root, "journal.db") }

  @Test
  fun `every commit is on the disk`() = AndroidStore.open(file).use { store ->
    assertEquals("wal", store.query("PRAGMA journal_mode") { it.text(0) }.first())
    assertEquals(2, store.query("PRAGMA synchronous") { it.long(0) }.first())
  }

  @Test
  fun `values come back as they were, and 1 is not '1'`() = AndroidStore.open(file).use { store ->
    store.execute("CREATE TABLE t (a, b, c)")
    store.execute("INSERT INTO t VALUES (?, ?, ?)", 1, Long.MAX_VALUE, null)
    val kinds = store.query("SELECT typeof(a), typeof(b), c FROM t WHERE a = ?", 1) { row ->
      assertTrue(row.isNull(2))
      row.text(0) + row.text(1)
    }
    assertEquals(listOf("integerinteger"), kinds)
    assertEquals(emptyList(), store.query("SELECT 1 FROM t WHERE a = ?", "1") { it.long(0) })
  }

  @Test
  fun `a write answers how many rows it changed`() = AndroidStore.open(file).use { store ->
    store.execute("CREATE TABLE t (a)")
    store.execute("INSERT INTO t VALUES (1), (2)")
    assertEquals(2, store.execute("UPDATE t SET a = ?", 3))
    assertEquals(0, store.execute("DELETE FROM t WHERE a = ?", 1))
  }

  @Test
  fun `a transaction that fails leaves nothing`() = AndroidStore.open(file).use { store ->
    store.execute("CREATE TABLE t (a)")
    assertFailsWith<IllegalStateException> {
      store.transaction {
        store.execute("INSERT INTO t VALUES (1)")
        error("stop")
      }
    }
    assertEquals(0, store.query("SELECT count(*) FROM t") { it.long(0) }.first())
  }

  @Test
  fun `a journal of version 1 is brought to the next version`() {
    val protocol = File(System.getProperty("protocol"))
    AndroidStore.open(file).use { store ->
      withoutComments(File(protocol, "vectors/journal_1.sql").readText()).split(";")
        .map { it.trim() }.filter { it.isNotEmpty() }.forEach { store.execute(it) }
    }
    val newest = Regex("(?ms)^-- name: schema_\\d+\n(.*?)(?=^-- name:)")
      .findAll(File(protocol, "journal.sql").readText())
      .map { withoutComments(it.groupValues[1]) }.toList()
    val next = "ALTER TABLE attempt ADD COLUMN reference TEXT; UPDATE attempt SET reference = ''"
    Journal(file, AndroidStore, FakeClock(), schema = newest + next).use { journal ->
      assertEquals(listOf(3L), journal.leased().map { it.messageId })
      assertEquals(3, journal.unreported())
    }
    assertFailsWith<JournalNewerException> { Journal(file, AndroidStore, FakeClock()) }
  }

  private fun withoutComments(sql: String) = sql.replace(Regex("--[^\n]*"), "")

  @Test
  fun `a corrupt file is said to be so, and is not deleted`() {
    val rubbish = ByteArray(8192) { (it % 251).toByte() }
    file.writeBytes(rubbish)
    assertFailsWith<StoreCorruptException> { AndroidStore.open(file) }
    assertContentEquals(rubbish, file.readBytes())
  }

  @Test
  fun `what SQLite refuses is a StoreException`() = AndroidStore.open(file).use { store ->
    assertFailsWith<StoreException> { store.execute("INSERT INTO nowhere VALUES (1)") }
    store.execute("CREATE TABLE t (a)")
    // Within a transaction, so that it is told to the connection that writes.
    store.transaction { store.query("PRAGMA max_page_count = 3") { it.long(0) } }
    val error = assertFailsWith<StoreException> {
      store.execute("INSERT INTO t VALUES (?)", "x".repeat(100_000))
    }
    assertTrue("full" in error.message!!, error.message)
  }

  @Test
  fun `two connections do not wait for each other's reads`() =
    AndroidStore.open(file).use { first ->
      first.execute("CREATE TABLE t (a)")
      AndroidStore.open(file).use { second ->
        second.execute("INSERT INTO t VALUES (1)")
        assertEquals(1, first.query("SELECT count(*) FROM t") { it.long(0) }.first())
      }
    }
}
