package smsgate.app.sms

import smsgate.app.store.AndroidStore
import smsgate.core.Journal
import smsgate.core.Report
import smsgate.core.Store
import smsgate.core.StoreCorruptException
import java.io.Closeable
import java.io.File
import java.util.UUID

/**
 * What Android's receivers have heard and the agent's thread has not written into its journal yet. On
 * the disk before a receiver returns, since Android may end the process then. Any thread.
 */
class Mailbox(private val file: File) : Closeable {
  private val opened = lazy { openOrRenew() }
  private val store: Store by opened

  private fun openOrRenew(): Store =
    try {
      open()
    } catch (_: StoreCorruptException) {
      file.renameTo(File("$file.corrupt"))
      listOf("-wal", "-shm").forEach { File("$file$it").delete() }
      open()
    }

  private fun open() = AndroidStore.open(file).apply {
    execute(
      """CREATE TABLE IF NOT EXISTS letter (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        install TEXT, message_id INTEGER, attempt INTEGER, part INTEGER, parts INTEGER, type TEXT,
        code TEXT,
        sender TEXT, text TEXT, sim INTEGER, event_id TEXT)""",
    )
    val columns = query("PRAGMA table_info(letter)") { it.text(1) }
    // The app's first versions kept no ids.
    if ("event_id" !in columns) execute("ALTER TABLE letter ADD COLUMN event_id TEXT")
  }

  /** The radio's or the network's word on what this install sent. */
  @Synchronized
  fun put(install: String, report: Report) {
    store.execute(
      """INSERT INTO letter (install, message_id, attempt, part, parts, type, code)
        VALUES (?, ?, ?, ?, ?, ?, ?)""",
      install, report.messageId, report.attempt, report.part, report.parts, report.type.name,
      report.code,
    )
  }

  /**
   * An inbound SMS. It has the id of its event from here on: should the process die while it is moved,
   * it is moved once more, and is one event all the same.
   */
  @Synchronized
  fun put(sender: String, text: String, sim: Int?) {
    store.execute(
      "INSERT INTO letter (sender, text, sim, event_id) VALUES (?, ?, ?, ?)",
      sender, text, sim, UUID.randomUUID().toString(),
    )
  }

  /**
   * Writes all letters into the journal; each leaves only when it is there. Answers how many. A
   * report of another install is let go: its journal is no more.
   */
  @Synchronized
  fun drainInto(journal: Journal): Int {
    val letters = store.query(LETTERS, read = ::Letter)
    if (letters.isEmpty()) return 0
    val install = journal.installId()
    for (letter in letters) {
      letter.writeInto(journal, install)
      store.execute("DELETE FROM letter WHERE id = ?", letter.id)
    }
    return letters.size
  }

  override fun close() {
    if (opened.isInitialized()) store.close()
  }

  private companion object {
    const val LETTERS = "SELECT id, install, message_id, attempt, part, parts, type, code, " +
      "sender, text, sim, event_id FROM letter ORDER BY id"
  }

  private class Letter(row: Store.Row) {
    val id = row.long(0)
    private val install = if (row.isNull(1)) null else row.text(1)
    private val report = install?.let {
      Report(
        messageId = row.long(2),
        attempt = row.long(3).toInt(),
        part = row.long(4).toInt(),
        parts = row.long(5).toInt(),
        type = Report.Type.valueOf(row.text(6)),
        code = if (row.isNull(7)) null else row.text(7),
      )
    }
    private val sender = if (row.isNull(8)) "" else row.text(8)
    private val text = if (row.isNull(9)) "" else row.text(9)
    private val sim = if (row.isNull(10)) null else row.long(10).toInt()
    private val eventId = if (row.isNull(11)) UUID.randomUUID().toString() else row.text(11)

    fun writeInto(journal: Journal, own: String) = when {
      report == null -> journal.receive(sender, text, sim, eventId)
      install == own -> journal.record(listOf(report))
      else -> Unit
    }
  }
}
