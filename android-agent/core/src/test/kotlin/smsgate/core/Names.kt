package smsgate.core

import java.time.OffsetDateTime
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** What each `$name` of a vector stands for: bound when it is first met, the same ever after. */
class Names {
  private val values = HashMap<String, Any?>()

  fun check(expected: Any?, actual: Any?, where: String) {
    when {
      expected is Map<*, *> -> checkMap(present(expected), present(actual as Map<*, *>), where)
      expected is List<*> -> checkList(expected, actual as List<*>, where)
      expected is String && expected.startsWith("$") -> bind(expected, actual, where)
      where.endsWith(".wall_time") -> assertEquals(moment(expected), moment(actual), where)
      expected is Number && actual is Number ->
        assertEquals(expected.toDouble(), actual.toDouble(), where)
      else -> assertEquals(expected, actual, where)
    }
  }

  private fun checkMap(expected: Map<*, *>, actual: Map<*, *>, where: String) {
    assertEquals(expected.keys, actual.keys, where)
    for ((key, value) in expected) check(value, actual[key], "$where.$key")
  }

  private fun checkList(expected: List<*>, actual: List<*>, where: String) {
    assertEquals(expected.size, actual.size, "$where: $actual")
    expected.zip(actual).forEachIndexed { index, (one, other) ->
      check(one, other, "$where[$index]")
    }
  }

  private fun bind(name: String, actual: Any?, where: String) {
    assertTrue(actual is String, "$where: $actual is no id")
    assertEquals(values.getOrPut(name) { actual }, actual, "$where: $name")
    assertEquals(values.size, values.values.toSet().size, "$where: not a new id")
  }

  private fun present(map: Map<*, *>) = map.filterValues { it != null }

  /** OffsetDateTime, since a moment must carry an offset. */
  private fun moment(text: Any?) = OffsetDateTime.parse(text as String).toInstant()

  fun fill(value: Any?): Any? = when (value) {
    is Map<*, *> -> value.mapValues { fill(it.value) }
    is List<*> -> value.map(::fill)
    else -> values[value] ?: value
  }
}
