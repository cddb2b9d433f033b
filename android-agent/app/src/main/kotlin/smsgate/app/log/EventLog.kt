package smsgate.app.log

import smsgate.core.Clock
import smsgate.core.Detail
import smsgate.core.Word
import java.io.File
import java.io.IOException
import java.time.Instant
import java.time.format.DateTimeParseException

/**
 * One line: what happened when. The screens have words for [kind] and [details], in each language;
 * [said] is what a library or the server said of it, for experts.
 */
data class LogLine(
  val at: Instant,
  val kind: String,
  val details: List<Detail>,
  val said: String = "",
)

/**
 * The last events, in two files that take turns. Phone numbers, codes and tokens never get in. A disk
 * that is full costs lines, never the agent.
 */
class EventLog(private val folder: File, private val clock: Clock) {
  private val current = File(folder, "current.txt")
  private val former = File(folder, "former.txt")

  fun add(kind: String, text: String) = add(kind, listOf(Detail(Word.TEXT, text)))

  @Synchronized
  fun add(kind: String, details: List<Detail> = emptyList(), said: String = "") {
    val written = details.take(MAX_DETAILS).joinToString(BETWEEN_DETAILS, transform = ::write)
    try {
      folder.mkdirs()
      if (current.length() > MAX_BYTES) current.renameTo(former)
      current.appendText("${clock.wall()}\t$kind\t$written\t${clean(said)}\n")
    } catch (_: IOException) {
      // said above
    }
  }

  private fun write(detail: Detail): String =
    (listOf(detail.word.name) + detail.values.map(::clean)).joinToString(BETWEEN_VALUES)

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
      LogLine(Instant.parse(fields[0]), fields[1], readDetails(fields[2]), fields.getOrElse(3) { "" })
    } catch (_: DateTimeParseException) {
      null
    }
  }

  private fun readDetails(written: String): List<Detail> =
    written.split(BETWEEN_DETAILS).filter { it.isNotEmpty() }.map { piece ->
      val name = piece.substringBefore(BETWEEN_VALUES)
      val values = piece.split(BETWEEN_VALUES).drop(1)
      // Another version's word, or one that a crash has cut, stays as it is.
      val word = Word.of(name)?.takeIf { it.places == values.size }
      if (word != null) Detail(word, values) else Detail(Word.TEXT, piece.replace(BETWEEN_VALUES, " "))
    }

  private companion object {
    const val MAX_BYTES = 128 * 1024L
    const val MAX_DETAILS = 20
    const val MAX_TEXT = 300
    const val BETWEEN_DETAILS = "\u001E"
    const val BETWEEN_VALUES = "\u001F"
  }
}
