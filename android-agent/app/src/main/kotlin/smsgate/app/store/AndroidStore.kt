package smsgate.app.store

import android.database.Cursor
import android.database.DatabaseErrorHandler
import android.database.sqlite.SQLiteDatabase
import android.database.sqlite.SQLiteDatabaseCorruptException
import android.database.sqlite.SQLiteException
import android.database.sqlite.SQLiteFullException
import android.database.sqlite.SQLiteProgram
import android.os.Build
import smsgate.core.Store
import smsgate.core.StoreCorruptException
import smsgate.core.StoreException
import smsgate.core.StoreOpener
import java.io.File

/** Android's own SQLite, in write-ahead mode and with every commit on the disk. */
class AndroidStore private constructor(private val database: SQLiteDatabase) : Store {
  override fun execute(sql: String, vararg values: Any?): Int = translated {
    if (CHANGES.none { sql.startsWith(it, ignoreCase = true) }) {
      database.execSQL(sql)
      0
    } else {
      database.compileStatement(sql).use { statement ->
        bind(statement, values)
        statement.executeUpdateDelete()
      }
    }
  }

  override fun <T> query(sql: String, vararg values: Any?, read: (Store.Row) -> T): List<T> =
    translated { rows(sql, values).use { cursor -> readAll(cursor, read) } }

  /** With a factory, since Android's own queries bind nothing but strings, and 1 is not '1'. */
  private fun rows(sql: String, values: Array<out Any?>): Cursor {
    val factory = SQLiteDatabase.CursorFactory { _, driver, table, query ->
      bind(query, values)
      android.database.sqlite.SQLiteCursor(driver, table, query)
    }
    return database.rawQueryWithFactory(factory, sql, null, "")
  }

  private fun <T> readAll(cursor: Cursor, read: (Store.Row) -> T): List<T> {
    val row = CursorRow(cursor)
    val found = ArrayList<T>(cursor.count)
    while (cursor.moveToNext()) found += read(row)
    return found
  }

  private fun bind(program: SQLiteProgram, values: Array<out Any?>) =
    values.forEachIndexed { index, value ->
      when (value) {
        null -> program.bindNull(index + 1)
        is Int -> program.bindLong(index + 1, value.toLong())
        is Long -> program.bindLong(index + 1, value)
        is String -> program.bindString(index + 1, value)
        else -> throw IllegalArgumentException("cannot bind ${value.javaClass}")
      }
    }

  override fun <T> transaction(block: () -> T): T {
    translated { database.beginTransactionNonExclusive() } // BEGIN IMMEDIATE: a writer at once
    try {
      val result = block()
      translated { database.setTransactionSuccessful() }
      return result
    } finally {
      translated { database.endTransaction() }
    }
  }

  override fun close() = database.close()

  private class CursorRow(private val cursor: Cursor) : Store.Row {
    override fun text(column: Int): String = cursor.getString(column)

    override fun long(column: Int): Long = cursor.getLong(column)

    override fun isNull(column: Int): Boolean = cursor.isNull(column)
  }

  companion object : StoreOpener {
    /** Android's own handler deletes a corrupt file, and with it what is left of the truth. */
    private val keepTheFile = DatabaseErrorHandler { }

    private const val FULL = 2L

    /** What changes rows; Android has another call for all else, such as ALTER. */
    private val CHANGES = listOf("INSERT", "UPDATE", "DELETE")

    override fun open(file: File): AndroidStore = translated {
      val store = AndroidStore(openDatabase(file))
      try {
        store.also(::checkDurable)
      } catch (error: StoreException) {
        store.close()
        throw error
      }
    }

    private fun openDatabase(file: File): SQLiteDatabase {
      if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.P) {
        val params = SQLiteDatabase.OpenParams.Builder()
          .addOpenFlags(SQLiteDatabase.CREATE_IF_NECESSARY)
          .setErrorHandler(keepTheFile)
          .setJournalMode("WAL")
          .setSynchronousMode("FULL")
          .build()
        return SQLiteDatabase.openDatabase(file, params)
      }
      // One connection only, so that a pragma holds for all there is.
      return SQLiteDatabase
        .openDatabase(file.path, null, SQLiteDatabase.CREATE_IF_NECESSARY, keepTheFile)
        .apply {
          rawQuery("PRAGMA journal_mode = WAL", null).use { it.moveToFirst() }
          execSQL("PRAGMA synchronous = FULL")
        }
    }

    private fun checkDurable(store: Store) {
      val mode = store.query("PRAGMA journal_mode") { it.text(0) }.first()
      val synchronous = store.query("PRAGMA synchronous") { it.long(0) }.first()
      if (!mode.equals("wal", ignoreCase = true) || synchronous < FULL) {
        throw StoreException("this phone's SQLite is not durable: $mode, $synchronous")
      }
    }
  }
}

private inline fun <T> translated(act: () -> T): T =
  try {
    act()
  } catch (error: SQLiteDatabaseCorruptException) {
    throw StoreCorruptException(error.message.orEmpty(), error)
  } catch (error: SQLiteException) {
    throw StoreException(error.message.orEmpty(), error, isFull = error is SQLiteFullException)
  }
