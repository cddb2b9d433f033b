package smsgate.core

/**
 * How many SMS a text takes, at least 1: 3GPP TS 23.038 (alphabets) and TS 23.040 (concatenation).
 */
fun countParts(text: String): Int =
  if (text.all { it in BASIC || it in EXTENDED }) {
    fill(text, GSM7_ALONE, GSM7_PART) { if (it.toChar() in EXTENDED) 2 else 1 }
  } else {
    fill(text, UCS2_ALONE, UCS2_PART, Character::charCount)
  }

/** Neither an escape nor a surrogate pair is ever split, so a part may stay one unit short. */
private inline fun fill(text: String, alone: Int, part: Int, sizeOf: (Int) -> Int): Int {
  var total = 0
  var parts = 1
  var used = 0
  var at = 0
  while (at < text.length) {
    val character = text.codePointAt(at)
    at += Character.charCount(character)
    val size = sizeOf(character)
    total += size
    if (used + size > part) {
      parts++
      used = 0
    }
    used += size
  }
  return if (total <= alone) 1 else parts
}

internal val BASIC =
  "@£\$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?".toSet() +
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà".toSet()

/** Each takes an escape before it: two septets. */
internal val EXTENDED = "\u000C^{}\\[~]|€".toSet()

/** Septets. */
internal const val GSM7_ALONE = 160
internal const val GSM7_PART = 153

/** UTF-16 units. */
internal const val UCS2_ALONE = 70
internal const val UCS2_PART = 67
