package smsgate.core

/**
 * How many SMS a text takes, at least 1: 3GPP TS 23.038 (alphabets) and TS 23.040 (concatenation).
 */
fun countParts(text: String): Int =
  if (text.all { it in BASIC || it in EXTENDED }) {
    fill(text.map { if (it in EXTENDED) 2 else 1 }, GSM7_ALONE, GSM7_PART)
  } else {
    fill(codePointSizes(text), UCS2_ALONE, UCS2_PART)
  }

/** UTF-16 units of each character: 2 for those that take a surrogate pair. */
private fun codePointSizes(text: String): List<Int> {
  val sizes = ArrayList<Int>(text.length)
  var at = 0
  while (at < text.length) {
    val size = Character.charCount(text.codePointAt(at))
    sizes += size
    at += size
  }
  return sizes
}

/** Neither an escape nor a surrogate pair is ever split, so a part may stay one unit short. */
private fun fill(sizes: List<Int>, alone: Int, part: Int): Int {
  if (sizes.sum() <= alone) return 1
  var parts = 1
  var used = 0
  for (size in sizes) {
    if (used + size > part) {
      parts++
      used = 0
    }
    used += size
  }
  return parts
}

private val BASIC = (
  "@£\$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
).toSet()

/** Each takes an escape before it: two septets. */
private val EXTENDED = "\u000C^{}\\[~]|€".toSet()

/** Septets. */
private const val GSM7_ALONE = 160
private const val GSM7_PART = 153

/** UTF-16 units. */
private const val UCS2_ALONE = 70
private const val UCS2_PART = 67
