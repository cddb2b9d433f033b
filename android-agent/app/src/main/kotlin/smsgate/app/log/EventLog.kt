package smsgate.app.log

import smsgate.core.Clock
import java.io.File
import java.io.IOException
import java.time.Instant
import java.time.format.DateTimeParseException

/** One line: what happened when. [kind] is a name that the screens know, [detail] is for experts. */
data class LogLine(val at: Instant, val kind: String, val detail: String)

/**
 * The last events, in two files that take turns. Phone numbers, codes and tokens never get in. A disk
 * that is full costs lines, never the agent.
 */
class EventLog(private val folder: File, private val clock: Clock) {
  private val current = File(folder, "current.txt")
  private val former = File(folder, "former.txt")

  @Synchronized
  fun add(kind: String, detail: String = "") {
    try {
      folder.mkdirs()
      if (current.length() > MAX_BYTES) current.renameTo(former)
      val clean = scrubbed(detail).replace('\t', ' ').replace('\n', ' ').take(MAX_DETAIL)
      current.appendText("${clock.wall()}\t$kind\t$clean\n")
    } catch (_: IOException) {
      // said above
    }
  }

  /** The newest first. */
  @Synchronized
  fun last(count: Int): List<LogLine> =
    (linesOf(former) + linesOf(current)).takeLast(count).asReversed().mapNotNull(::read)

  private fun linesOf(file: File): List<String> =
    try {
      file.readLines()
    } catch (_: IOException) {
      emptyList() // none yet
    }

  private fun read(line: String): LogLine? {
    val (at, kind, detail) = line.split('\t').takeIf { it.size == 3 } ?: return null
    return try {
      LogLine(Instant.parse(at), kind, detail)
    } catch (_: DateTimeParseException) {
      null // the end of a line that was cut
    }
  }

  private companion object {
    const val MAX_BYTES = 128 * 1024L
    const val MAX_DETAIL = 500
  }
}
