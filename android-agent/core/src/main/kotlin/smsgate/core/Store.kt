package smsgate.core

import java.io.Closeable
import java.io.File

/**
 * An SQLite database in write-ahead mode with `synchronous=FULL`: when [transaction] returns, the
 * disk has it. Used by one thread. Every method may throw [StoreException].
 *
 * Values are null, Int, Long or String, bound in the order in which a statement's parameters first
 * appear.
 */
interface Store : Closeable {
  /** Runs one statement; returns how many rows it changed. */
  fun execute(sql: String, vararg values: Any?): Int

  /** Runs one query; returns what [read] makes of each row. */
  fun <T> query(sql: String, vararg values: Any?, read: (Row) -> T): List<T>

  /** All or nothing, begun as a writer. Never nested. */
  fun <T> transaction(block: () -> T): T

  /** The row that a query has come to; columns count from 0. */
  interface Row {
    fun text(column: Int): String
    fun long(column: Int): Long
    fun isNull(column: Int): Boolean
  }
}

/** Opens the database in this file, or makes one. Throws [StoreException]. */
fun interface StoreOpener {
  fun open(file: File): Store
}

/** The journal could not be read or written (disk full, for one): nothing may start. */
open class StoreException(
  message: String,
  cause: Throwable? = null,
  private val isFull: Boolean = false,
) : Exception(message, cause) {
  open val detail get() = Detail(if (isFull) TextKey.DISK_FULL else TextKey.DISK_REFUSES)
}

/** The file is not a sound database. */
class StoreCorruptException(message: String, cause: Throwable? = null) :
  StoreException(message, cause)
