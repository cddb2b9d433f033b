package smsgate.app.sms

import smsgate.app.store.AndroidStore
import smsgate.core.Journal
import smsgate.core.Report
import smsgate.core.Store
import smsgate.core.StoreCorruptException
import java.io.Closeable
import java.io.File
import java.time.Instant
import java.util.UUID

/**
 * Durable queue from Android's broadcast receivers to the agent's thread, which moves it into the
 * journal. It is on disk before a receiver returns, since Android may kill the process then.
 * Thread-safe.
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
    // Version 0.1.0 had another name for the table.
    if (columnsOf("letter").isNotEmpty()) execute("ALTER TABLE letter RENAME TO pending_event")
    execute(
      """CREATE TABLE IF NOT EXISTS pending_event (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        install TEXT, message_id INTEGER, attempt INTEGER, part INTEGER, parts INTEGER, type TEXT,
        code TEXT,
        sender TEXT, text TEXT, sim INTEGER, event_id TEXT, arrived_ms INTEGER, sent_ms INTEGER)""",
    )
    val columns = columnsOf("pending_event")
    // The app's first versions kept no ids, later ones no times.
    val added = listOf("event_id TEXT", "arrived_ms INTEGER", "sent_ms INTEGER")
    for (column in added.filter { it.substringBefore(' ') !in columns }) {
      execute("ALTER TABLE pending_event ADD COLUMN $column")
    }
  }

  private fun Store.columnsOf(table: String) = query("PRAGMA table_info($table)") { it.text(1) }

  /** The radio's or the network's report on what this install sent. */
  @Synchronized
  fun put(install: String, report: Report) {
    store.execute(
      """INSERT INTO pending_event (install, message_id, attempt, part, parts, type, code)
        VALUES (?, ?, ?, ?, ?, ?, ?)""",
      install, report.messageId, report.attempt, report.part, report.parts, report.type.name,
      report.code,
    )
  }

  /**
   * An inbound SMS, with the times by this phone's clock and by the network's. It has the id of its event
   * from here on: should the process die while it is moved, it is moved once more, and is one event all
   * the same.
   */
  @Synchronized
  fun put(sender: String, text: String, sim: Int?, arrived: Instant, sent: Instant?) {
    store.execute(
      """INSERT INTO pending_event (sender, text, sim, event_id, arrived_ms, sent_ms)
        VALUES (?, ?, ?, ?, ?, ?)""",
      sender, text, sim, UUID.randomUUID().toString(), arrived.toEpochMilli(), sent?.toEpochMilli(),
    )
  }

  /**
   * Moves all pending events into the journal; each leaves only when it is there. Returns how many. A
   * report of another install is let go: its journal is no more. Receivers, which run on the main
   * thread, wait for no more than one look or one deletion: never for the journal's disk.
   */
  fun drainInto(journal: Journal): Int {
    var count = 0
    while (true) {
      val event = oldest() ?: return count
      event.writeInto(journal, journal.installId())
      remove(event)
      count++
    }
  }

  @Synchronized
  private fun oldest(): PendingEvent? = store.query(OLDEST, read = ::PendingEvent).firstOrNull()

  @Synchronized
  private fun remove(event: PendingEvent) =
    store.execute("DELETE FROM pending_event WHERE id = ?", event.id)

  override fun close() {
    if (opened.isInitialized()) store.close()
  }

  private companion object {
    const val OLDEST = "SELECT id, install, message_id, attempt, part, parts, type, code, " +
      "sender, text, sim, event_id, arrived_ms, sent_ms FROM pending_event ORDER BY id LIMIT 1"
  }

  private class PendingEvent(row: Store.Row) {
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
    private val arrived = time(row, 12)
    private val sent = time(row, 13)

    private fun time(row: Store.Row, column: Int) =
      if (row.isNull(column)) null else Instant.ofEpochMilli(row.long(column))

    fun writeInto(journal: Journal, own: String) = when {
      report == null && arrived == null -> journal.receive(sender, text, sim, eventId)
      report == null -> journal.receive(sender, text, sim, eventId, arrived!!, sent)
      install == own -> journal.record(listOf(report))
      else -> Unit
    }
  }
}
