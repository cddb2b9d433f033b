package smsgate.core

import java.io.File
import java.sql.Connection
import java.sql.DriverManager
import java.sql.PreparedStatement
import java.sql.ResultSet
import java.sql.SQLException

/** SQLite by JDBC: for laptops, and for the tests. The driver is the caller's to bring. */
class JdbcStore private constructor(private val connection: Connection) : Store {
  /** Opens files; [maxPages] fakes a full disk. */
  class Opener(private val maxPages: Int? = null) : StoreOpener {
    override fun open(file: File): Store = translated {
      val store = JdbcStore(DriverManager.getConnection("jdbc:sqlite:$file"))
      try {
        store.pragma("busy_timeout = 5000")
        store.pragma("journal_mode = WAL")
        store.pragma("synchronous = FULL")
        maxPages?.let { store.pragma("max_page_count = $it") }
      } catch (error: SQLException) {
        store.close()
        throw error
      }
      store
    }
  }

  private fun pragma(setting: String) {
    connection.createStatement().use { it.execute("PRAGMA $setting") }
  }

  override fun execute(sql: String, vararg values: Any?): Int = translated {
    prepare(sql, values).use { it.executeUpdate() }
  }

  override fun <T> query(sql: String, vararg values: Any?, read: (Store.Row) -> T): List<T> =
    translated {
      prepare(sql, values).use { statement ->
        statement.executeQuery().use { results ->
          val row = JdbcRow(results)
          val rows = ArrayList<T>()
          while (results.next()) rows += read(row)
          rows
        }
      }
    }

  private fun prepare(sql: String, values: Array<out Any?>): PreparedStatement {
    val statement = connection.prepareStatement(sql)
    values.forEachIndexed { index, value -> statement.setObject(index + 1, value) }
    return statement
  }

  override fun <T> transaction(block: () -> T): T {
    run("BEGIN IMMEDIATE")
    try {
      val result = block()
      run("COMMIT")
      return result
    } catch (error: Throwable) {
      rollBack()
      throw error
    }
  }

  private fun run(sql: String) = translated {
    connection.createStatement().use { it.execute(sql) }
  }

  private fun rollBack() {
    try {
      run("ROLLBACK")
    } catch (_: StoreException) {
      // A full disk may have rolled back by itself already.
    }
  }

  override fun close() = translated { connection.close() }

  private class JdbcRow(private val results: ResultSet) : Store.Row {
    override fun text(column: Int): String = results.getString(column + 1)

    override fun long(column: Int) = results.getLong(column + 1)

    override fun isNull(column: Int) = results.getObject(column + 1) == null
  }
}

/** SQLite's result codes, as JDBC's vendor code. */
private val CORRUPT = setOf(11, 26)
private const val FULL = 13

private fun <T> translated(act: () -> T): T =
  try {
    act()
  } catch (error: SQLException) {
    val message = error.message ?: "SQLite failed"
    val code = error.errorCode and 0xFF
    if (code in CORRUPT) throw StoreCorruptException(message, error)
    throw StoreException(message, error, isFull = code == FULL)
  }
