package smsgate.cli

import java.io.File

/** What a person typed wrong, as one sentence. */
class UsageException(message: String) : Exception(message)

/** The arguments of one command. [known] maps each option to whether it takes a value. */
class Options(arguments: List<String>, known: Map<String, Boolean>) {
  private val values = HashMap<String, String>()
  private val positionals = ArrayList<String>()

  init {
    val rest = ArrayDeque(arguments)
    while (rest.isNotEmpty()) {
      val argument = rest.removeFirst()
      if (!argument.startsWith("--")) {
        positionals += argument
        continue
      }
      val takesValue = known[argument] ?: throw UsageException("there is no option $argument")
      values[argument] = when {
        !takesValue -> ""
        else -> rest.removeFirstOrNull() ?: throw UsageException("$argument takes a value")
      }
    }
  }

  /** The positional arguments: one for each of these. */
  fun positionals(vararg what: String): List<String> =
    positionals.takeIf { it.size == what.size }
      ?: throw UsageException("say ${what.joinToString(" ")}")

  /** The only positional argument. */
  fun positional(what: String): String = positionals(what).single()

  fun noPositionals() {
    positionals.firstOrNull()?.let { throw UsageException("what is $it?") }
  }

  operator fun contains(name: String) = name in values

  val journal get() = File(values["--journal"] ?: "phone.sqlite3")

  operator fun get(name: String): String? = values[name]

  fun number(name: String, range: ClosedRange<Double>): Double? {
    val text = values[name] ?: return null
    return text.toDoubleOrNull()?.takeIf { it in range }
      ?: throw UsageException("$name takes a number from ${range.start} to ${range.endInclusive}")
  }
}
