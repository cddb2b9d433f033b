package smsgate.app.sms

import smsgate.app.store.AndroidStore
import smsgate.core.Journal
import smsgate.core.Report
import smsgate.core.Store
import smsgate.core.StoreCorruptException
import java.io.File

/**
 * What Android's receivers have heard and the agent's thread has not written into its journal yet. On
 * the disk before a receiver returns, since Android may end the process then. Any thread.
 */
class Mailbox(private val file: File) {
  private val store: Store by lazy { openOrRenew() }

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
        sender TEXT, text TEXT, sim INTEGER)""",
    )
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

  /** An inbound SMS. */
  @Synchronized
  fun put(sender: String, text: String, sim: Int?) {
    store.execute("INSERT INTO letter (sender, text, sim) VALUES (?, ?, ?)", sender, text, sim)
  }

  /**
   * Writes all letters into the journal; each leaves only when it is there. Answers how many. A
   * report of another install is let go: its journal is no more.
   */
  @Synchronized
  fun drainInto(journal: Journal): Int {
    val letters = store.query("SELECT * FROM letter ORDER BY id", read = ::Letter)
    if (letters.isEmpty()) return 0
    val install = journal.installId()
    for (letter in letters) {
      letter.writeInto(journal, install)
      store.execute("DELETE FROM letter WHERE id = ?", letter.id)
    }
    return letters.size
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

    fun writeInto(journal: Journal, own: String) = when {
      report == null -> journal.receive(sender, text, sim)
      install == own -> journal.record(listOf(report))
      else -> Unit
    }
  }
}
