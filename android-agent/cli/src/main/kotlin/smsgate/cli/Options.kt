package smsgate.cli

/** What a person typed wrong, as one sentence. */
class UsageException(message: String) : Exception(message)

/** The arguments of one command. [known] maps each option to whether it takes a value. */
class Options(arguments: List<String>, known: Map<String, Boolean>) {
  private val values = HashMap<String, String>()
  private val words = ArrayList<String>()

  init {
    val rest = ArrayDeque(arguments)
    while (rest.isNotEmpty()) {
      val argument = rest.removeFirst()
      if (!argument.startsWith("--")) {
        words += argument
        continue
      }
      val takesValue = known[argument] ?: throw UsageException("there is no option $argument")
      values[argument] = when {
        !takesValue -> ""
        else -> rest.removeFirstOrNull() ?: throw UsageException("$argument takes a value")
      }
    }
  }

  /** The only word that is no option. */
  fun word(what: String): String = words.singleOrNull() ?: throw UsageException("say one $what")

  fun noWords() {
    words.firstOrNull()?.let { throw UsageException("what is $it?") }
  }

  operator fun contains(name: String) = name in values

  operator fun get(name: String): String? = values[name]

  fun number(name: String, range: ClosedRange<Double>): Double? {
    val text = values[name] ?: return null
    return text.toDoubleOrNull()?.takeIf { it in range }
      ?: throw UsageException("$name takes a number from ${range.start} to ${range.endInclusive}")
  }
}
