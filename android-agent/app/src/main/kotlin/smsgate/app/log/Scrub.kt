package smsgate.app.log

/** A long word of letters and digits: a token, a key, a certificate's number. */
private val SECRET = Regex("""\b[A-Za-z0-9_-]{24,}\b""")
private val PAIRING_CODE = Regex("""\b[A-Z0-9]{4}(?:-[A-Z0-9]{4}){2,}\b""")

/** A dot, colon or dash between digits makes an address, a date or a time of them. */
private val PHONE_NUMBER =
  Regex("""(?<!\w)(?<!\d[.:-])\+?\d[\d ()-]{5,}\d(?!\w)(?![.:-]\d)""")

/** The same text without what must stay on this phone: secrets, codes, people's numbers. */
fun scrubbed(text: String): String = text
  .replace(SECRET, "[secret]")
  .replace(PAIRING_CODE, "[code]")
  .replace(PHONE_NUMBER) { masked(it.value) }

/** `+48 601 234 567` becomes `•••67`. */
fun masked(number: String): String = "•••" + number.filter(Char::isDigit).takeLast(2)
