package smsgate.app.log

import smsgate.core.Clock
import smsgate.core.Detail
import smsgate.core.TextKey
import java.io.File
import java.io.IOException
import java.time.Instant
import java.time.format.DateTimeParseException

/**
 * One line: what happened when. The screens have texts for [kind] and [details], in each language;
 * [rawMessage] is what a library or the server said of it, for experts.
 */
data class LogLine(
  val at: Instant,
  /** As the file has it: another version of the app may have kinds that this one does not know. */
  val kindName: String,
  val details: List<Detail>,
  val rawMessage: String = "",
) {
  val kind: LogKind? get() = LogKind.entries.firstOrNull { it.name == kindName }
}

/**
 * The last events, in two files that take turns. Phone numbers, codes and tokens never get in. A disk
 * that is full costs lines, never the agent.
 */
class EventLog(private val folder: File, private val clock: Clock) {
  private val current = File(folder, "current.txt")
  private val former = File(folder, "former.txt")

  fun add(kind: LogKind, text: String) = add(kind, listOf(Detail(TextKey.TEXT, text)))

  @Synchronized
  fun add(kind: LogKind, details: List<Detail> = emptyList(), rawMessage: String = "") {
    val written = details.take(MAX_DETAILS).joinToString(BETWEEN_DETAILS, transform = ::write)
    try {
      folder.mkdirs()
      if (current.length() > MAX_BYTES) current.renameTo(former)
      current.appendText("${clock.wall()}\t$kind\t$written\t${clean(rawMessage)}\n")
    } catch (_: IOException) {
      // said above
    }
  }

  private fun write(detail: Detail): String =
    (listOf(detail.key.name) + detail.values.map(::clean)).joinToString(BETWEEN_VALUES)

  /** On one line, without what shall stay on this phone. */
  private fun clean(text: String) =
    scrubbed(text).map { if (it.isISOControl()) ' ' else it }.joinToString("").take(MAX_TEXT)

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
    val fields = line.split('\t')
    if (fields.size < 3) return null // the end of a line that was cut
    return try {
      val rawMessage = fields.getOrNull(3).orEmpty()
      LogLine(Instant.parse(fields[0]), fields[1], readDetails(fields[2]), rawMessage)
    } catch (_: DateTimeParseException) {
      null
    }
  }

  private fun readDetails(written: String): List<Detail> =
    written.split(BETWEEN_DETAILS).filter { it.isNotEmpty() }.map { piece ->
      val name = piece.substringBefore(BETWEEN_VALUES)
      val values = piece.split(BETWEEN_VALUES).drop(1)
      // Another version's key, or one that a crash has cut, stays as it is.
      val key = TextKey.of(name)?.takeIf { it.places == values.size }
      if (key == null) {
        Detail(TextKey.TEXT, piece.replace(BETWEEN_VALUES, " "))
      } else {
        Detail(key, values)
      }
    }

  private companion object {
    const val MAX_BYTES = 128 * 1024L
    const val MAX_DETAILS = 20
    const val MAX_TEXT = 300
    const val BETWEEN_DETAILS = "\u001E"
    const val BETWEEN_VALUES = "\u001F"
  }
}
