package smsgate.cli

import smsgate.core.Checkpoint
import smsgate.core.Store
import smsgate.core.StoreOpener

/** `kill -9` of this process, at the n-th time that it comes to a point. */
class Death(private val point: String, private var left: Int) {
  fun passed(point: String) {
    if (point != this.point || --left > 0) return
    System.err.println("killed after $point")
    val pid = ProcessHandle.current().pid().toString()
    ProcessBuilder("kill", "-9", pid).start()
    while (true) Thread.sleep(Long.MAX_VALUE)
  }

  /** Stores whose every statement and commit is such a point. */
  fun watch(opener: StoreOpener) = StoreOpener { file -> Watched(opener.open(file)) }

  private inner class Watched(private val store: Store) : Store by store {
    override fun execute(sql: String, vararg values: Any?): Int =
      store.execute(sql, *values).also { passed(STATEMENT) }

    override fun <T> transaction(block: () -> T): T =
      store.transaction(block).also { passed(STATEMENT) }
  }

  companion object {
    private const val STATEMENT = "statement"

    /** From `POINT[:N]`. */
    fun read(text: String): Death {
      val points = Checkpoint.entries.map { it.name.lowercase() } + STATEMENT
      val point = text.substringBefore(":")
      val count = text.substringAfter(":", "1").toIntOrNull() ?: 0
      if (point !in points || count < 1) {
        val known = points.joinToString()
        throw UsageException("--die-after takes one of $known, and a number from 1")
      }
      return Death(point, count)
    }
  }
}
